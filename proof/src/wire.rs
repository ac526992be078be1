//! Requests written byte by byte, for what no proper client would send.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use emulator::{AppSecret, Signing};

use crate::Outcome;
use crate::gateway::{PATH, SECRET};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) took: Duration,
}

impl Answered {
    /// Whether a header is there, by its name in lower case.
    pub(crate) fn has(&self, header: &str) -> bool {
        self.head.to_ascii_lowercase().lines().any(|line| line.starts_with(&format!("{header}:")))
    }
}

/// The signature of a body.
pub(crate) fn signature(body: &[u8]) -> String {
    Signing::Right.headers(&AppSecret::new(SECRET), body).sha256.unwrap_or_default()
}

/// The usual head of a notification of this many bytes, with further lines.
pub(crate) fn head(length: usize, signature: &str, more: &str) -> String {
    format!(
        "POST {PATH} HTTP/1.1\r\nHost: proof\r\nContent-Type: application/json\r\nX-Hub-Signature-256: {signature}\r\n\
         Content-Length: {length}\r\n{more}\r\n"
    )
}

/// Sends a signed body on a connection of its own.
pub(crate) fn post(at: SocketAddr, body: &[u8]) -> Outcome<Answered> {
    let head = head(body.len(), &signature(body), "Connection: close\r\n");
    send(at, &[head.as_bytes(), body])
}

/// Sends these bytes and reads the answer to its end. An answer that comes early is read all the same.
pub(crate) fn send(at: SocketAddr, parts: &[&[u8]]) -> Outcome<Answered> {
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE)?;
    stream.set_nodelay(true)?;
    let started = Instant::now();
    for part in parts {
        // Whoever refuses early closes early.
        if stream.write_all(part).is_err() {
            break;
        }
    }
    read(&mut stream, started)
}

/// Reads one answer's head.
pub(crate) fn read(stream: &mut TcpStream, started: Instant) -> Outcome<Answered> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut bytes, mut some) = (Vec::new(), [0; 4_096]);
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(some.get(..count).unwrap_or_default()),
            // A reset after the answer came: what came is what counts.
            Err(_) if !bytes.is_empty() => break,
            Err(cause) => return Err(cause.into()),
        }
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let status = head.get(9..12).and_then(|code| code.parse().ok()).ok_or("no answer")?;
    Ok(Answered { status, head, took: started.elapsed() })
}
