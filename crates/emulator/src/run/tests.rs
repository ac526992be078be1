//! Runs against receivers on loopback that answer as they are told to.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::collections::BTreeMap;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::*;
use crate::faults::Habit;

/// A receiver: it proves itself unless its path is `/liar`, and answers the n-th POST of a path as its plan says, then 200.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<(String, String)>>>,
}

impl Receiver {
    async fn start(plan: &'static [(&'static str, &'static [u16])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let got: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let noted = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                tokio::spawn(async move { serve(stream, plan, &noted).await });
            }
        });
        Self { url, got }
    }

    /// The bodies that came to a path.
    fn at(&self, path: &str) -> Vec<String> {
        let got = self.got.lock().unwrap();
        got.iter().filter(|(to, _)| to == path).map(|(_, body)| body.clone()).collect()
    }
}

async fn serve(stream: TcpStream, plan: &[(&str, &[u16])], got: &Mutex<Vec<(String, String)>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let count = stream.read_line(&mut head).await.ok()?;
            if count == 0 {
                return None;
            }
        }
        let target = head.split(' ').nth(1)?.to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).await.ok()?;
        let (status, answer) = if head.starts_with("GET") {
            let challenge = query.split('&').find_map(|pair| pair.strip_prefix("hub.challenge="));
            (200, if path == "/liar" { "no" } else { challenge? }.to_owned())
        } else {
            let mut got = got.lock().unwrap();
            let before = got.iter().filter(|(to, _)| to == path).count();
            got.push((path.to_owned(), String::from_utf8(body).unwrap()));
            let planned = plan.iter().find(|(of, _)| *of == path).and_then(|(_, plan)| plan.get(before).copied());
            (planned.unwrap_or(200), String::new())
        };
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        stream.get_mut().write_all(answer.as_bytes()).await.ok()?;
    }
}

fn settings(scenario: &str, speed: f64) -> Settings {
    Settings {
        scenario: Scenario::parse(scenario).unwrap(),
        seed: 1,
        pace: Pace::new(speed).unwrap(),
        escapes: Escapes::Meta,
        handshake: true,
        again: false,
        stays: false,
    }
}

/// The whole of a run, and what was told of it.
async fn whole(settings: Settings) -> (Result<Summary, RunError>, Vec<Told>) {
    let (told, mut telling) = mpsc::channel(64);
    let running = tokio::spawn(run(settings, Sender::new(), None, told, std::future::pending()));
    let mut all = Vec::new();
    while let Some(told) = telling.recv().await {
        all.push(told);
    }
    (running.await.unwrap(), all)
}

fn one_message(url: &str, more: &str) -> String {
    format!("[[apps]]\ncallback = '{url}'\n{more}\n[[script]]\ndo = 'write'\n")
}

#[tokio::test]
async fn nothing_is_sent_to_a_receiver_that_does_not_prove_itself() {
    let receiver = Receiver::start(&[]).await;
    let (ended, _) = whole(settings(&one_message(&format!("{}/liar", receiver.url), ""), 100.0)).await;
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("Response does not match challenge, expected value="), "{error}");
    assert!(receiver.at("/liar").is_empty());
}

#[tokio::test]
async fn only_200_ends_a_notification_and_every_attempt_has_the_same_bytes() {
    let receiver = Receiver::start(&[("/a", &[503, 204, 301])]).await;
    let (ended, told) = whole(settings(&one_message(&format!("{}/a", receiver.url), ""), 1_000.0)).await;
    let summary = ended.unwrap();
    assert_eq!((summary.requests, summary.retried, summary.acknowledged), (4, 3, 1));
    assert!(summary.is_complete());
    let bodies = receiver.at("/a");
    assert!(bodies.len() == 4 && bodies.iter().all(|body| *body == bodies[0]));
    let gaps: Vec<u64> = told
        .iter()
        .filter_map(|told| if let Told::Retry { after, .. } = told { Some(after.as_secs()) } else { None })
        .collect();
    assert!(gaps[0] == 0 && (13..=17).contains(&gaps[1]) && (54..=66).contains(&gaps[2]), "{gaps:?}");
}

#[tokio::test]
async fn when_one_app_fails_all_apps_get_it_again() {
    let receiver = Receiver::start(&[("/two", &[500])]).await;
    let scenario = format!(
        "[[apps]]\nid = '1'\nname = 'one'\ncallback = '{0}/one'\n[[apps]]\nid = '2'\ncallback = '{0}/two'\nsecret = 'other'\n\
         [[script]]\ndo = 'write'\n",
        receiver.url
    );
    let (ended, _) = whole(settings(&scenario, 1_000.0)).await;
    assert_eq!(ended.unwrap().acknowledged, 1);
    assert_eq!((receiver.at("/one").len(), receiver.at("/two").len()), (2, 2));
}

#[tokio::test]
async fn after_seven_days_it_is_given_up() {
    let receiver = Receiver::start(&[("/a", &[500; 64])]).await;
    let (ended, told) = whole(settings(&one_message(&format!("{}/a", receiver.url), ""), 1_000_000.0)).await;
    let summary = ended.unwrap();
    assert_eq!((summary.given_up, summary.acknowledged), (1, 0));
    assert!(!summary.is_complete());
    assert!((15..=30).contains(&summary.requests), "{summary:?}");
    assert!(told.iter().any(|told| matches!(told, Told::GaveUp { .. })));
}

#[tokio::test]
async fn what_may_be_kept_for_an_hour_comes_as_131035_afterwards() {
    let receiver = Receiver::start(&[("/a", &[500; 6])]).await;
    let scenario = one_message(&format!("{}/a", receiver.url), "[[numbers]]\nstorage = 'none'\n");
    let (ended, _) = whole(settings(&scenario, 100_000.0)).await;
    assert!(ended.unwrap().is_complete());
    let bodies = receiver.at("/a");
    assert!(bodies[0].contains("\"messages\"") && !bodies[0].contains("131035"));
    assert!(bodies.last().unwrap().contains("131035") && !bodies.last().unwrap().contains("\"messages\":["));
}

#[tokio::test]
async fn webhooks_go_to_the_most_particular_callback_and_management_to_the_apps() {
    let receiver = Receiver::start(&[]).await;
    let scenario = format!(
        "[[apps]]\ncallback = '{0}/app'\n[[wabas]]\noverride = {{ callback = '{0}/waba' }}\n[[numbers]]\n[[numbers]]\n\
         override = {{ callback = '{0}/number' }}\n\
         [[script]]\ndo = 'write'\n[[script]]\ndo = 'write'\nnumber = '106540352242923'\n\
         [[script]]\ndo = 'event'\ntype = 'security.pin_changed'\n",
        receiver.url
    );
    let (ended, told) = whole(settings(&scenario, 100.0)).await;
    assert!(ended.unwrap().is_complete());
    let counts = ["/app", "/waba", "/number"].map(|path| receiver.at(path).len());
    assert_eq!(counts, [1, 1, 1]);
    assert!(receiver.at("/app")[0].contains("PIN_CHANGED"));
    let asked = told.iter().filter(|told| matches!(told, Told::Handshake { error: None, .. })).count();
    assert_eq!(asked, 3, "each callback proves itself before anything is sent");
}

#[tokio::test]
async fn a_cut_connection_is_followed_by_a_whole_body_and_a_slow_one_arrives() {
    let receiver = Receiver::start(&[]).await;
    for (fault, requests, habit) in [("cut", 2, Habit::Cut), ("slow", 1, Habit::Slow)] {
        let path = format!("/{fault}");
        let scenario = one_message(&format!("{}{path}", receiver.url), &format!("[faults]\n{fault} = 100\n"));
        let (ended, told) = whole(settings(&scenario, 100.0)).await;
        let summary = ended.unwrap();
        assert_eq!((summary.requests, summary.acknowledged), (requests, 1), "{fault}");
        assert_eq!(receiver.at(&path).len(), 1, "{fault}");
        let first = told.iter().find_map(|told| if let Told::Attempt(one) = told { Some(one) } else { None }).unwrap();
        assert_eq!(first.habit, Some(habit));
    }
}

#[tokio::test]
async fn after_an_outage_everything_is_old_and_comes_at_once() {
    let receiver = Receiver::start(&[]).await;
    let scenario = format!(
        "[[apps]]\ncallback = '{}/a'\n[[script]]\ndo = 'write'\nafter = '1h'\nrepeat = 20\nevery = '1h'\n[faults]\noutage = '3days'\n",
        receiver.url
    );
    let (ended, _) = whole(settings(&scenario, 1.0)).await;
    assert_eq!(ended.unwrap().acknowledged, 20);
    for body in receiver.at("/a") {
        let at = whatsapp::read(body.as_bytes()).events[0].occurred_at_seconds.unwrap();
        let days = (now_seconds() - at) / 86_400;
        assert_eq!(days, 3);
    }
}

#[tokio::test]
async fn what_nobody_is_subscribed_to_is_told_and_is_no_failure() {
    let receiver = Receiver::start(&[]).await;
    let scenario = one_message(&format!("{}/a'\nfields = ['calls']\nname = 'x", receiver.url), "");
    let (ended, told) = whole(settings(&scenario, 100.0)).await;
    let summary = ended.unwrap();
    assert_eq!((summary.nobodys, summary.requests, summary.is_complete()), (1, 0, true));
    assert!(told.iter().any(|told| matches!(told, Told::Nobody { field, .. } if field == "messages")));
}

#[tokio::test]
async fn a_stop_leaves_what_waits_pending() {
    let receiver = Receiver::start(&[("/a", &[500; 64])]).await;
    let settings = settings(&one_message(&format!("{}/a", receiver.url), ""), 1.0);
    let (told, mut telling) = mpsc::channel(64);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopping = async move { drop(stopped.await) };
    let running = tokio::spawn(run(settings, Sender::new(), None, told, stopping));
    let mut attempts = BTreeMap::new();
    while let Some(told) = telling.recv().await {
        if let Told::Attempt(attempt) = told {
            *attempts.entry(attempt.notification).or_insert(0) += 1;
            if attempt.attempt == 2 {
                break;
            }
        }
    }
    stop.send(()).unwrap();
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.pending, summary.is_complete(), attempts.len()), (1, false, 1));
}
