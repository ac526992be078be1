//! Filling a store: signed bodies over keep-alive connections, as many as asked for.

use std::net::SocketAddr;

use emulator::{AppSecret, Signing};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::bodies::{Bodies, now_ns};
use crate::Outcome;
use crate::servers::{SECRET, Server};

const CONNECTIONS: usize = 64;

/// Sends `count` bodies of so many business numbers, each of which must be answered 200.
pub(super) fn fill(server: &Server, count: usize, numbers: usize) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut senders = JoinSet::new();
        for n in 0..CONNECTIONS {
            let bodies = Bodies::new(u64::try_from(now_ns() & 0xffff_ffff)? ^ (u64::try_from(n)? << 40), numbers);
            senders.spawn(send(server.at, server.path, bodies, count / CONNECTIONS));
        }
        while let Some(sent) = senders.join_next().await {
            sent??;
        }
        Ok(())
    })
}

async fn send(at: SocketAddr, path: &'static str, mut bodies: Bodies, count: usize) -> Result<(), String> {
    let mut stream = TcpStream::connect(at).await.map_err(|cause| cause.to_string())?;
    stream.set_nodelay(true).map_err(|cause| cause.to_string())?;
    for _ in 0..count {
        post(&mut stream, path, &bodies.next_body(now_ns())).await?;
    }
    Ok(())
}

/// One signed request over a connection that is kept.
pub(super) async fn post(stream: &mut TcpStream, path: &str, body: &[u8]) -> Result<(), String> {
    let signature = Signing::Right.headers(&AppSecret::new(SECRET), body).sha256.unwrap_or_default();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\nX-Hub-Signature-256: {signature}\r\n\r\n",
        body.len()
    );
    let mut request = head.into_bytes();
    request.extend_from_slice(body);
    stream.write_all(&request).await.map_err(|cause| cause.to_string())?;
    let mut answer = [0; 1_024];
    let read = stream.read(&mut answer).await.map_err(|cause| cause.to_string())?;
    if answer.get(9..12) != Some(b"200") {
        return Err(format!("answered {}", String::from_utf8_lossy(answer.get(..read).unwrap_or_default())));
    }
    Ok(())
}
