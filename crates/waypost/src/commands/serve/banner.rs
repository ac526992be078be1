//! What `serve` says when it has started: all that one needs to try it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use gateway::Settings;
use gateway::settings::AppSettings;

/// Where everything is kept, and what that would not survive.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) store: String,
    pub(crate) caution: Option<String>,
}

/// What the banner tells of a gateway.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) receive: SocketAddr,
    pub(crate) admin: SocketAddr,
    kept: Kept,
    config_file: Option<PathBuf>,
    development: bool,
    apps: Vec<AppSettings>,
    /// Declared endpoints: id and URL.
    endpoints: Vec<(String, String)>,
}

impl About {
    /// What is told of a gateway with these settings.
    pub(crate) fn new(
        settings: &Settings,
        receive: SocketAddr,
        admin: SocketAddr,
        kept: Kept,
        config_file: Option<PathBuf>,
    ) -> Self {
        let endpoint =
            |input: &gateway::endpoint::EndpointInput| (input.id.clone().unwrap_or_default(), input.url.clone());
        Self {
            receive,
            admin,
            kept,
            config_file,
            development: settings.development,
            apps: settings.apps.clone(),
            endpoints: settings.endpoints.iter().map(endpoint).collect(),
        }
    }
}

/// The banner.
pub(super) fn text(about: &About) -> String {
    let mut text = format!("Waypost {} is ready.\n", env!("CARGO_PKG_VERSION"));
    for (name, value) in facts(about) {
        line(&mut text, &name, &value);
    }
    if about.development {
        trial(&mut text, about);
    }
    text
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {name:<18} {value}");
}

fn facts(about: &About) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    for app in &about.apps {
        for path in &app.paths {
            facts.push((format!("callback ({})", app.name), format!("http://{}{path}", about.receive)));
        }
    }
    for (id, url) in &about.endpoints {
        facts.push((format!("endpoint {id}"), url.clone()));
    }
    facts.push(("API, metrics".to_owned(), format!("http://{}", about.admin)));
    facts.push(("store".to_owned(), about.kept.store.clone()));
    if let Some(caution) = &about.kept.caution {
        facts.push(("what is acknowledged".to_owned(), caution.clone()));
    }
    if let Some(file) = &about.config_file {
        facts.push(("configuration".to_owned(), file.display().to_string()));
    }
    facts
}

/// Development mode shows its secrets: they were made for trying, and are good for nothing else.
fn trial(text: &mut String, about: &About) {
    let Some(app) = about.apps.first() else { return };
    let (Some(secret), Some(path)) = (app.secrets.first(), app.paths.first()) else {
        return;
    };
    line(text, "verify token", app.verify_token.expose());
    line(text, "app secret", secret.expose());
    let _ = write!(
        text,
        r#"
Development mode: loopback endpoints are allowed, and the secrets above were made for it. Try it:

  curl "http://{receive}{path}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}"

  BODY='{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}},"messages":[{{"from":"16505551234","id":"wamid.'$(date +%s)'","timestamp":"'$(date +%s)'","type":"text","text":{{"body":"hello"}}}}]}}}}]}}]}}'
  SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac '{secret}' -r | cut -d' ' -f1)
  curl -i http://{receive}{path} -H "X-Hub-Signature-256: sha256=$SIGNATURE" --data-binary "$BODY"

  waypost trigger messages.text      the same, for any type
  waypost events
"#,
        receive = about.receive,
        token = app.verify_token.expose(),
        secret = secret.expose(),
    );
}
