//! The Graph side as a server.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Map, Value};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Call, Effects, Moment, Plan, Reply, apply, not_verified, plan, usage};
use crate::mischief::Mischief;
use crate::run::{Shared, State, Told, challenge, now_seconds};
use crate::sender::Target;

/// More of a request is not read.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long an answer waits where a status is to come before it, as Meta's clock goes.
const AFTER_FIRST_STATUS: Duration = Duration::from_millis(800);
/// Until the next connection after one that could not be taken.
const AFTER_FAILURE: Duration = Duration::from_millis(50);
/// How long a client may take for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Where calls go.
struct Desk {
    shared: Arc<Shared>,
    caused: mpsc::Sender<Effects>,
    mischief: Mischief,
}

/// Serves until it is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    caused: mpsc::Sender<Effects>,
    mischief: Mischief,
) {
    let desk = Arc::new(Desk { shared, caused, mischief });
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, Arc::clone(&desk)));
            }
            Err(_) => sleep(AFTER_FAILURE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, desk: Arc<Desk>) {
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that goes away is its own affair.
    drop(served);
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
            return response(&Reply::error(413, 100, "The request is too large"), &[]);
        };
        let query = parts.uri.query().unwrap_or_default();
        let (call, understood) = read(parts.method, parts.uri.path(), query, &parts.headers, &body.to_bytes());
        let (waba, percent) = {
            let State { world, graph, .. } = &mut *self.shared.state();
            graph.used(world, &call, now_seconds())
        };
        let reply = match understood {
            _ if percent > 100 => usage::too_many(),
            Ok(()) => self.reply(&call).await,
            Err(reply) => reply,
        };
        let (method, path) = (call.method.to_string(), call.path.clone());
        self.shared.tell(Told::Graph { method, path, status: reply.status, code: reply.code() }).await;
        let mut headers = usage::headers(waba.as_deref(), percent);
        headers.push(("facebook-api-version", call.version().to_owned()));
        headers.extend(self.traces());
        response(&self.traced(reply), &headers)
    }

    async fn reply(&self, call: &Call) -> Reply {
        let planned = {
            let State { world, chance, graph, .. } = &mut *self.shared.state();
            let (mischief, now_seconds) = (&self.mischief, now_seconds());
            plan(world, call, &mut Moment { now_seconds, rng: chance, mischief, memory: graph })
        };
        match planned {
            Plan::Answer(mut reply) => {
                self.cause(std::mem::take(&mut reply.effects)).await;
                reply
            }
            Plan::Verify { callback, change } => {
                let Ok(target) = Target::parse(&callback.url) else {
                    return Reply::error(400, 100, "Invalid callback URI format");
                };
                let challenge = challenge(&self.shared);
                let proof = self.shared.sender.handshake(&target, &callback.verify_token, &challenge).await;
                let error = proof.as_ref().err().map(ToString::to_string);
                self.shared.tell(Told::Handshake { url: callback.url.clone(), error }).await;
                match proof {
                    Ok(()) => apply(&mut self.shared.state().world, change, callback),
                    Err(error) => not_verified(&error),
                }
            }
        }
    }

    /// Hands over what a call causes; the answer may have to wait for the first of it.
    async fn cause(&self, effects: Effects) {
        if effects.is_empty() {
            return;
        }
        let waits = self.mischief.status_before_answer.strikes(&mut self.shared.state().chance);
        // The timetable ends only when the run does.
        drop(self.caused.send(effects).await);
        if waits {
            sleep(self.shared.pace.real(AFTER_FIRST_STATUS)).await;
        }
    }

    /// The headers by which Meta finds a call.
    fn traces(&self) -> [(&'static str, String); 3] {
        let rng_letters = |count| -> String {
            let mut state = self.shared.state();
            (0..count).map(|_| state.chance.alphanumeric()).collect()
        };
        [
            ("x-fb-request-id", rng_letters(23)),
            ("x-fb-trace-id", rng_letters(11)),
            ("X-FB-Debug", format!("{}==", rng_letters(86))),
        ]
    }

    fn traced(&self, reply: Reply) -> Reply {
        if reply.code().is_none() {
            return reply;
        }
        let id: String = {
            let mut state = self.shared.state();
            (0..22).map(|_| state.chance.alphanumeric()).collect()
        };
        reply.with("fbtrace_id", format!("A{id}"))
    }
}

/// The call, and what cannot be understood of it.
fn read(method: http::Method, path: &str, query: &str, headers: &HeaderMap, body: &[u8]) -> (Call, Result<(), Reply>) {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parameters: Map<String, Value> = pairs(query).collect();
    let content_type = text(header::CONTENT_TYPE);
    let mut understood = Ok(());
    if content_type.starts_with("application/x-www-form-urlencoded") {
        parameters.extend(pairs(&String::from_utf8_lossy(body)));
    } else if !body.is_empty() {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => parameters.extend(members),
            Ok(_) | Err(_) => {
                understood = Err(Reply::error(400, 100, "(#100) Invalid parameter: the body is no JSON object"))
            }
        }
    }
    let bearer = text(header::AUTHORIZATION).split_once(' ').filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    let of_parameter = parameters.get("access_token").and_then(Value::as_str);
    // Clients that have one token in every call's header give another for one call in this way.
    let token = of_parameter.or(bearer.map(|(_, token)| token.trim())).map(str::to_owned);
    (Call { method, path: path.to_owned(), parameters, token }, understood)
}

/// The pairs of a query or a form. A value that is a JSON object is one, as SDKs send nested parameters.
fn pairs(text: &str) -> impl Iterator<Item = (String, Value)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value);
        let nested = Some(&value).filter(|value| value.starts_with(['{', '[']));
        let nested = nested.and_then(|value| serde_json::from_str(value).ok());
        (decoded(name), nested.unwrap_or(Value::String(value)))
    })
}

/// The text without its escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let digits = more.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let escaped = digits.filter(|_| *first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        rest = match escaped {
            Some(byte) => {
                bytes.push(byte);
                more.get(2..).unwrap_or_default()
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                more
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn response(reply: &Reply, headers: &[(&'static str, String)]) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let builder = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json; charset=UTF-8");
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value));
    let body = Full::new(Bytes::from(reply.body.to_string()));
    builder.body(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use super::*;

    #[test]
    fn query_form_and_json_are_one_set_of_parameters() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer T".parse().unwrap());
        let json = br#"{"b":{"c":1}}"#;
        let (call, understood) =
            read(http::Method::POST, "/v26.0/7/x", "a=1%2C2+3&d=%7B%22e%22%3A2%7D", &headers, json);
        assert_eq!(understood, Ok(()));
        assert_eq!((call.text("a"), call.token.as_deref(), call.version()), (Some("1,2 3"), Some("T"), "v26.0"));
        assert_eq!(Value::Object(call.parameters), serde_json::json!({ "a": "1,2 3", "b": {"c": 1}, "d": {"e": 2} }));
        headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        let (call, _) = read(http::Method::POST, "/7", "", &headers, b"access_token=x&object=y%zz");
        assert_eq!(call.text("object"), Some("y%zz"));
        let (_, understood) = read(http::Method::POST, "/7", "", &HeaderMap::new(), b"[1]");
        assert_eq!(understood.unwrap_err().code(), Some(100));
    }
}
