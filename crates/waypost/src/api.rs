//! The gateway's API from a command's side: one request at a time, bounded in time and in size.
//!
//! Where the gateway is, and what lets us in, is in [`way`]; paths are built in [`target`]; what comes back is read in
//! [`answer`].

mod answer;
mod target;
mod way;

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use hyper::{Method, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

pub(crate) use self::answer::{Answer, unexpected};
pub(crate) use self::target::Target;
use self::way::Way;
pub(crate) use self::way::store_folder;
use crate::cli::GatewayArgs;
use crate::config::Environment;
use crate::exit::Failure;

/// Time for one request and its answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer at most: a page of the largest bodies fits.
const ANSWER_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Rows asked for at once.
const PAGE_ROWS: usize = 100;

/// The way to one gateway.
pub(crate) struct Api {
    runtime: Runtime,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    way: Way,
}

impl Api {
    /// Finds the gateway that the arguments name: the one on this machine, or the one at a URL.
    pub(crate) fn of(args: &GatewayArgs) -> Result<Self, Failure> {
        Self::new(way::find(args, &Environment::of_this_process())?)
    }

    fn new(way: Way) -> Result<Self, Failure> {
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::file("start the runtime"))?;
        Ok(Self { runtime, client: Client::builder(TokioExecutor::new()).build(connector), way })
    }

    /// Gets.
    pub(crate) fn get(&self, target: &Target) -> Result<Answer, Failure> {
        self.call(Method::GET, target, None, None)
    }

    /// Posts.
    pub(crate) fn post(&self, target: &Target, body: &impl Serialize) -> Result<Answer, Failure> {
        self.call(Method::POST, target, Some(json(body)?), None)
    }

    /// Puts. With a revision, only if the thing still has it.
    pub(crate) fn put(&self, target: &Target, body: &impl Serialize, revision: Option<u64>) -> Result<Answer, Failure> {
        self.call(Method::PUT, target, Some(json(body)?), revision)
    }

    /// Deletes. With a revision, only if the thing still has it.
    pub(crate) fn delete(&self, target: &Target, revision: Option<u64>) -> Result<Answer, Failure> {
        self.call(Method::DELETE, target, None, revision)
    }

    /// Gets up to `limit` rows, page after page.
    pub(crate) fn rows(
        &self,
        target: &Target,
        limit: usize,
        mut each: impl FnMut(&RawValue) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut left = limit;
        let mut cursor = None;
        while left > 0 {
            let asked = left.min(PAGE_ROWS).to_string();
            let page = target.clone().query("limit", Some(&asked)).query("cursor", cursor.as_deref());
            let page: answer::Page = self.get(&page)?.read()?;
            page.rows.iter().take(left).try_for_each(|row| each(row))?;
            left = left.saturating_sub(page.rows.len());
            match page.next_cursor {
                Some(next) if !page.rows.is_empty() => cursor = Some(next),
                _ => break,
            }
        }
        Ok(())
    }

    fn call(
        &self,
        method: Method,
        target: &Target,
        body: Option<String>,
        revision: Option<u64>,
    ) -> Result<Answer, Failure> {
        let mut request = Request::builder().method(method).uri(format!("{}{target}", self.way.url));
        if let Some(key) = &self.way.key {
            request = request.header(AUTHORIZATION, format!("Bearer {}", key.expose()));
        }
        if let Some(revision) = revision {
            request = request.header(IF_MATCH, format!("\"{revision}\""));
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default()))).map_err(|_| {
            Failure::Arguments("the URL or the API key has characters that HTTP does not allow".to_owned())
        })?;
        let exchange = async { tokio::time::timeout(TIMEOUT, self.exchange(request)).await };
        match self.runtime.block_on(exchange) {
            Ok(exchanged) => {
                let (status, bytes) = exchanged?;
                Answer::new(status, &bytes)
            }
            Err(_) => Err(self.unreachable(format!("no answer within {} s", TIMEOUT.as_secs()))),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
        let answer = self.client.request(request).await;
        let (head, body) = answer.map_err(|error| self.unreachable(root(&error)))?.into_parts();
        match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
            Ok(body) => Ok((head.status, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => {
                let what = format!("it has more than {ANSWER_BYTES_MAX} bytes");
                Err(Failure::Answer(what))
            }
            Err(error) => Err(self.unreachable(root(&*error))),
        }
    }

    fn unreachable(&self, because: String) -> Failure {
        Failure::Unreachable { url: self.way.url.clone(), because }
    }
}

fn json(body: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(body).map_err(|_| Failure::Arguments("the request cannot be written as JSON".to_owned()))
}

/// The innermost cause: those around it say only that a connection was meant to be made.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
