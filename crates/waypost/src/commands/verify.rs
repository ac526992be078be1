//! `waypost verify`: whether a signature fits a body, and if not, which mistake explains it. Secrets are never printed.

mod tell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use emulator::{AppSecret, diagnose};
use serde::Deserialize;

use self::tell::Verdict;
use crate::api::{Api, Target};
use crate::cli::VerifyArgs;
use crate::config::Environment;
use crate::exit::{Exit, Failure};
use crate::table::{harmless, or_dash};
use crate::{apps_here, body_file, secret_argument, terminal};

/// Secrets with what to call them.
struct Secrets {
    names: Vec<String>,
    secrets: Vec<AppSecret>,
}

/// What is verified.
struct Signed {
    body: Vec<u8>,
    signature: Option<String>,
    /// The app that it came to, where that is known.
    app: Option<String>,
}

/// What the gateway kept of the last body that it refused.
#[derive(Deserialize)]
struct Refused {
    app: String,
    received_at: Option<String>,
    signature: Option<String>,
    body_base64: String,
}

/// Verifies, and says what it found.
pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Failure> {
    let environment = Environment::of_this_process();
    let signed = match &args.file {
        Some(file) => {
            let doing = format!("read {}", body_file::name(file));
            let body = body_file::read(file).map_err(Failure::file(doing))?;
            Signed { body, signature: args.signature.clone(), app: None }
        }
        None => last_refused(args)?,
    };
    let Some(signature) = &signed.signature else {
        return Verdict::unsigned().print(args.gateway.json);
    };
    let secrets = Secrets::find(args, signed.app.as_deref(), &environment)?;
    let verdict = Verdict::new(diagnose(&signed.body, signature, &secrets.secrets), &secrets.names);
    verdict.print(args.gateway.json)
}

fn last_refused(args: &VerifyArgs) -> Result<Signed, Failure> {
    let refused: Refused = Api::of(&args.gateway)?.get(&Target::new("/api/v1/refused/last"))?.read()?;
    let wrong = |_| Failure::Answer("the body is not base64".to_owned());
    let body = BASE64.decode(&refused.body_base64).map_err(wrong)?;
    if !args.gateway.json {
        let (app, at) = (harmless(&refused.app), or_dash(refused.received_at));
        terminal::tell(&format!("refused at {} for the app {app}: {} bytes", harmless(&at), body.len()));
    }
    Ok(Signed { body, signature: refused.signature, app: Some(refused.app) })
}

impl Secrets {
    /// Those that were typed; else those of this machine's gateway, of one app where it is known.
    fn find(args: &VerifyArgs, app: Option<&str>, environment: &Environment) -> Result<Self, Failure> {
        let (mut names, mut secrets) = (Vec::new(), Vec::new());
        for (position, text) in (1..).zip(&args.secret) {
            let secret = secret_argument::read("--secret", text, environment)?;
            let several = args.secret.len() > 1;
            names.push(if several {
                format!("secret {position} of {}", args.secret.len())
            } else {
                "the secret".to_owned()
            });
            secrets.push(AppSecret::new(secret.expose()));
        }
        if !secrets.is_empty() {
            return Ok(Self { names, secrets });
        }
        let apps = apps_here::apps(args.gateway.config.config.as_deref(), environment)?;
        for known in apps.iter().filter(|known| app.is_none_or(|app| app == known.name)) {
            for (position, secret) in (1..).zip(&known.secrets) {
                let which =
                    if known.secrets.len() > 1 { format!("secret {position}") } else { "the secret".to_owned() };
                names.push(format!("{which} of the app {}", known.name));
                secrets.push(AppSecret::new(secret.expose()));
            }
        }
        if secrets.is_empty() {
            return Err(Failure::Arguments("there is no app with a secret here: give --secret".to_owned()));
        }
        Ok(Self { names, secrets })
    }
}
