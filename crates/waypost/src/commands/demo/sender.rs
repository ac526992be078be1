//! Meta's side: documented bodies made new, spelled as Meta spells them, signed and sent; and a ledger of it.

use bytes::Bytes;
use emulator::{
    AppSecret, Escapes, Fixture, Fresh, Load, Post, Signing, Target, fixtures, freshen, rebatch, wire_form,
};
use gateway::clock::Clock;
use gateway::settings::AppSettings;

use super::books::Sent;
use crate::exit::Failure;

/// Meta's challenges are ten digits.
const CHALLENGE: &str = "1158201444";

/// People who take part in the conversations.
pub(super) const CONVERSATIONS: usize = 3;

/// Meta, as far as one app sees it.
#[derive(Debug)]
pub(super) struct Sender {
    http: emulator::Sender,
    callback: Target,
    verify_token: String,
    secret: AppSecret,
    fresh: Fresh,
    load: Load,
    pub(super) sent: Sent,
}

impl Sender {
    /// A sender that knows of the receiver its callback URL, and of the app its secret and token.
    pub(super) fn new(callback_url: &str, app: &AppSettings) -> Result<Self, Failure> {
        let callback = Target::parse(callback_url).map_err(|_| Failure::Broken("address the gateway"))?;
        let secret = app.secrets.first().ok_or(Failure::Broken("sign as Meta"))?;
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|_| Failure::NoChance)?;
        let seed = u64::from_ne_bytes(seed);
        Ok(Self {
            http: emulator::Sender::new(),
            callback,
            verify_token: app.verify_token.expose().to_owned(),
            secret: AppSecret::new(secret.expose()),
            fresh: Fresh::new(seed, now_seconds()),
            load: Load::new(seed, CONVERSATIONS),
            sent: Sent::default(),
        })
    }

    /// The handshake with the right token, and with a wrong one: true if the first was taken and the second was not.
    pub(super) async fn handshakes(&self) -> (bool, bool) {
        let shake = |token: String| async move { self.http.handshake(&self.callback, &token, CHALLENGE).await };
        let right = shake(self.verify_token.clone()).await.is_ok();
        let wrong = shake(format!("{}x", self.verify_token)).await.is_ok();
        (right, wrong)
    }

    /// The documented body with fresh ids and present times, in the form of the wire.
    pub(super) fn renew(&mut self, fixture: Fixture) -> Vec<u8> {
        self.fresh.set_now(now_seconds());
        wire_form(&freshen(fixture.body, &mut self.fresh), Escapes::Meta)
    }

    /// A new text message.
    pub(super) fn text(&mut self) -> Option<Vec<u8>> {
        fixtures::find("messages/text").map(|fixture| self.renew(fixture))
    }

    /// The next body of a few people's conversations, and whose it is.
    pub(super) fn conversation(&mut self) -> (String, Vec<u8>) {
        let next = self.load.next_body(now_seconds());
        let whose = next.items.into_iter().map(|item| item.wa_id).collect();
        (whose, next.body)
    }

    /// Sends a genuine body. True if it was answered 200.
    pub(super) async fn send(&mut self, body: &[u8]) -> bool {
        self.post(&Post::plain(body.to_vec())).await
    }

    /// Sends a request and writes it down. True if it was answered 200.
    pub(super) async fn post(&mut self, post: &Post) -> bool {
        let headers = post.signing.headers(&self.secret, &post.body);
        let body = Bytes::copy_from_slice(&post.body);
        let answer = self.http.send(&self.callback, body, &headers).await;
        let status = answer.result.ok();
        self.sent.write(&post.body, post.is_genuine(), status);
        status == Some(200)
    }

    /// Sends a body as somebody who does not know the secret.
    pub(super) async fn forge(&mut self, body: &[u8], signing: Signing) -> bool {
        let body = body.to_vec();
        self.post(&Post { body, signing, habit: None }).await
    }
}

/// True if what is in this body is known again in another grouping. Value errors are not: nothing but the whole
/// notification tells them apart. Nor is what the dashboard sends: each arrival of it is new.
pub(super) fn is_known_again(body: &[u8]) -> bool {
    let once = keys(body);
    let twice = keys(&rebatch::merge(&[body, body]));
    !once.is_empty() && twice == [once.clone(), once].concat()
}

/// Keys of the events in a body that are the same wherever they arrive.
pub(super) fn keys(body: &[u8]) -> Vec<String> {
    let events = whatsapp::read(body).events.into_iter();
    let content = events.filter(|event| event.key.scope == whatsapp::KeyScope::Content);
    content.map(|event| event.key.text).collect()
}

fn now_seconds() -> i64 {
    Clock::System.now_ms().div_euclid(1_000)
}
