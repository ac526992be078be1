//! The sender against a receiver on loopback that says what it is told to.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::sign::{AppSecret, Signing};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers requests on one connection, one reply each, and gives back what it was sent.
async fn receiver(replies: Vec<&'static str>) -> (Target, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::parse(&format!("http://{}/webhooks/main", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut requests = Vec::new();
        for reply in replies {
            requests.push(request(&mut connection).await);
            connection.write_all(reply.as_bytes()).await.unwrap();
        }
        requests
    });
    (target, task)
}

async fn request(connection: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if body.len() == length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        assert_ne!(connection.read_buf(&mut bytes).await.unwrap(), 0, "the sender left");
    }
}

#[tokio::test]
async fn a_notification_carries_metas_headers_and_connections_are_kept() {
    let (target, receiver) = receiver(vec![OK, OK]).await;
    let sender = Sender::new();
    let body = Bytes::from_static(b"{}");
    let headers = Signing::Right.headers(&AppSecret::new("secret"), &body);
    assert!(sender.send(&target, body.clone(), &headers).await.is_delivered());
    assert!(sender.clone().send(&target, body, &SignatureHeaders::default()).await.is_delivered());
    let requests = receiver.await.unwrap();
    let expected = [
        "POST /webhooks/main HTTP/1.1\r\n",
        "\r\nContent-Type: application/json\r\n",
        "\r\nContent-Length: 2\r\n",
        "\r\nUser-Agent: facebookexternalua\r\n",
        "\r\nAccept: */*\r\n",
        "\r\nX-Hub-Signature: sha1=",
        "\r\nX-Hub-Signature-256: sha256=",
    ];
    for part in expected {
        assert!(requests[0].contains(part), "{part} in {}", requests[0]);
    }
    assert!(!requests[1].contains("X-Hub"));
}

#[tokio::test]
async fn only_200_counts_as_delivered_and_a_redirect_is_not_followed() {
    let replies = vec![
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    ];
    let (target, receiver) = receiver(replies).await;
    let sender = Sender::new();
    for status in [204, 301, 503] {
        let answer = sender.send(&target, Bytes::new(), &SignatureHeaders::default()).await;
        assert!(matches!(answer.result, Ok(found) if found == status) && !answer.is_delivered());
    }
    assert_eq!(receiver.await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_silent_receiver_is_a_timeout_and_an_absent_one_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let sender = Sender::with_timeouts(Duration::from_millis(20), Duration::from_millis(20));
    let answer = sender.send(&target, Bytes::new(), &SignatureHeaders::default()).await;
    assert!(matches!(answer.result, Err(SendError::Timeout)));
    let error = sender.handshake(&target, "token", "1").await.unwrap_err().to_string();
    assert!(error.ends_with("curl_errno = 28; curl_error = Connection timed out after 20 milliseconds"), "{error}");
    drop(listener);
    let answer = Sender::new().send(&target, Bytes::new(), &SignatureHeaders::default()).await;
    assert!(matches!(answer.result, Err(SendError::Connect(_))));
}

#[tokio::test]
async fn the_handshake_takes_the_bare_challenge_alone() {
    let replies = vec![
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1158201444",
        "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n\"1158201444\"",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ];
    let (target, receiver) = receiver(replies).await;
    let sender = Sender::new();
    let ask = async || sender.handshake(&target, "a+b c", "1158201444").await;
    ask().await.unwrap();
    let quoted = ask().await.unwrap_err().to_string();
    let expected = r#"Response does not match challenge, expected value="1158201444", received="\"1158201444\"""#;
    assert_eq!(quoted, expected);
    let refused = ask().await.unwrap_err().to_string();
    let expected = "(#2200) Callback verification failed with the following errors: \
                    HTTP Status Code = 404; HTTP Message = Not Found";
    assert_eq!(refused, expected);
    let asked = "GET /webhooks/main?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=a%2Bb%20c HTTP/1.1";
    assert_eq!(receiver.await.unwrap()[0].lines().next(), Some(asked));
}

#[test]
fn a_target_has_a_host_and_keeps_its_query() {
    assert_eq!(Target::parse("/webhooks/main"), Err(TargetError::Url));
    assert!(Target::parse("https://example.com/").is_ok());
    assert_eq!(Target::parse("ftp://example.com/"), Err(TargetError::Scheme));
    let target = Target::parse("http://example.com/hook?t=x").unwrap();
    let url = target.handshake("token", "1");
    assert_eq!(url, "http://example.com/hook?t=x&hub.mode=subscribe&hub.challenge=1&hub.verify_token=token");
}
