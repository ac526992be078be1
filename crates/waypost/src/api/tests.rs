//! The client against a tiny server on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use gateway::secret::Secret;

use super::*;
use crate::exit::Exit;

/// Serves these answers, one connection each, and gives back the requests as they came.
fn serve(answers: Vec<(u16, &'static str)>) -> (Api, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let answer = |(status, body): (u16, &str)| {
            let (mut stream, _) = listener.accept().unwrap();
            let request = request(&mut BufReader::new(&stream));
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            request
        };
        answers.into_iter().map(answer).collect()
    });
    let way = Way { url, key: Some(Secret::new("wpk_1")) };
    (Api::new(way).unwrap(), served)
}

fn request(from: &mut impl std::io::BufRead) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert_ne!(from.read_line(&mut text).unwrap(), 0, "the request is whole");
    }
    let length = |line: &str| line.strip_prefix("content-length: ")?.parse::<u64>().ok();
    let body = text.lines().find_map(length).unwrap_or(0);
    from.take(body).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_request_carries_the_key_the_body_and_the_revision() {
    let (api, served) = serve(vec![(200, "{}")]);
    let target = Target::new("/api/v1/endpoints").segment("crm");
    api.put(&target, &serde_json::json!({ "url": "x" }), Some(7)).unwrap();
    let request = served.join().unwrap().remove(0);
    assert!(request.starts_with("PUT /api/v1/endpoints/crm HTTP/1.1\r\n"), "{request}");
    for wanted in ["authorization: Bearer wpk_1\r\n", "if-match: \"7\"\r\n", "\r\n\r\n{\"url\":\"x\"}"] {
        assert!(request.contains(wanted), "{wanted:?} in {request}");
    }
}

#[test]
fn a_problem_becomes_a_failure_with_its_code_and_its_sentence() {
    let problem =
        r#"{"type":"x","title":"Not Found","status":404,"code":"not_found","detail":"There is no such event."}"#;
    let (api, served) = serve(vec![(404, problem)]);
    let failure = api.get(&Target::new("/api/v1/events/evt_1")).unwrap_err();
    assert_eq!(failure.to_string(), "There is no such event. (not_found)");
    assert_eq!(failure.exit(), Exit::Failed);
    served.join().unwrap();
}

#[test]
fn what_is_no_gateway_is_told_as_such() {
    let (api, served) = serve(vec![(502, "<html>"), (200, "<html>")]);
    let target = Target::new("/api/v1/status");
    let failure = api.get(&target).unwrap_err();
    assert_eq!(failure.to_string(), "failed to use the gateway's answer: status 502 without a reason");
    let failure = api.get(&target).unwrap().read::<serde_json::Value>().unwrap_err();
    assert!(matches!(failure, Failure::Answer(_)));
    served.join().unwrap();
}

#[test]
fn a_gateway_that_does_not_run_is_unreachable() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let way = Way { url: format!("http://{free}"), key: None };
    let failure = Api::new(way).unwrap().get(&Target::new("/")).unwrap_err();
    assert_eq!(failure.exit(), Exit::Unreachable);
    assert!(failure.to_string().contains("refused"), "{failure}");
}

#[test]
fn rows_are_got_page_after_page_until_there_are_enough() {
    let first = r#"{"rows":[1,2.50],"next_cursor":"c d"}"#;
    let second = r#"{"rows":[3,4],"next_cursor":"e"}"#;
    let (api, served) = serve(vec![(200, first), (200, second)]);
    let mut rows = Vec::new();
    let target = Target::new("/api/v1/events").query("app", Some("main"));
    api.rows(&target, 3, |row| {
        rows.push(row.get().to_owned());
        Ok(())
    })
    .unwrap();
    assert_eq!(rows, ["1", "2.50", "3"]);
    let requests = served.join().unwrap();
    assert!(requests[0].starts_with("GET /api/v1/events?app=main&limit=3 "), "{}", requests[0]);
    assert!(requests[1].starts_with("GET /api/v1/events?app=main&limit=1&cursor=c%20d "), "{}", requests[1]);
}
