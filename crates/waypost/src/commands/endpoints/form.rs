//! The form of an endpoint's deliveries: as the API shows it, and with what was typed changed in it.

use std::collections::BTreeMap;

use gateway::endpoint::{AuthInput, BasicInput, EightByEight, TlsInput};
use serde::Deserialize;

use crate::cli::FormOptions;
use crate::commands::endpoint_body::{FormBody, NextSecretBody};
use crate::config::Environment;
use crate::exit::Failure;
use crate::secret_argument;
use crate::table::or_dash;

/// The form as the API shows it: no secret, of custom headers the names.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ShownForm {
    eight_by_eight: Option<EightByEight>,
    header_prefix: Option<String>,
    header_names: Vec<String>,
    auth: Option<String>,
    client_certificate: bool,
    ca: bool,
    proxy: Option<String>,
    hub_secret_next_at: Option<String>,
    webhook_secrets_old_until: Vec<String>,
}

impl ShownForm {
    /// Lines about it, where there is something to say.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let account = self.eight_by_eight.as_ref().map(|settings| {
            let only = if settings.documented_only { " (documented forms only)" } else { "" };
            format!("{}{only}", settings.account_id)
        });
        let yes = |yes: bool| yes.then(|| "yes".to_owned());
        let list = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(", "));
        let lines = [
            ("8x8 account", account),
            ("header prefix", self.header_prefix.clone()),
            ("headers", list(&self.header_names)),
            ("authorization", self.auth.clone()),
            ("client certificate", yes(self.client_certificate)),
            ("private authorities", yes(self.ca)),
            ("proxy", self.proxy.clone()),
            ("next hub secret from", self.hub_secret_next_at.clone()),
            ("older secrets until", list(&self.webhook_secrets_old_until)),
        ];
        lines.into_iter().filter(|(_, text)| text.is_some()).map(|(name, text)| (name, or_dash(text))).collect()
    }

    /// What is sent to leave it as it is: what is secret stays by being left out.
    pub(super) fn unchanged(self) -> FormBody {
        FormBody {
            eight_by_eight: self.eight_by_eight,
            header_prefix: self.header_prefix,
            proxy: self.proxy,
            ..FormBody::default()
        }
    }
}

/// Changes what was typed.
pub(super) fn change(body: &mut FormBody, options: &FormOptions, environment: &Environment) -> Result<(), Failure> {
    let read = |argument: &str, text: &str| {
        secret_argument::read(argument, text, environment).map(|secret| secret.expose().to_owned())
    };
    if options.account_id.is_some() || options.documented_only.is_some() {
        let before = body.eight_by_eight.take().unwrap_or_default();
        body.eight_by_eight = Some(EightByEight {
            account_id: options.account_id.clone().unwrap_or(before.account_id),
            documented_only: options.documented_only.unwrap_or(before.documented_only),
        });
    }
    if let Some(prefix) = &options.header_prefix {
        body.header_prefix = Some(prefix.clone());
    }
    if options.no_headers || !options.header.is_empty() {
        let header = |(name, value): &(String, String)| Ok((name.clone(), read("--header", value)?));
        body.headers = Some(options.header.iter().map(header).collect::<Result<BTreeMap<_, _>, Failure>>()?);
    }
    if let Some(auth) = auth(options, read)? {
        body.auth = Some(auth);
    }
    if let Some(tls) = tls(options, read)? {
        body.tls = Some(tls);
    }
    if let Some(proxy) = &options.proxy {
        body.proxy = Some(proxy.clone()).filter(|proxy| proxy != "default");
    }
    if let (Some(secret), Some(at)) = (&options.hub_secret_next, &options.hub_secret_next_at) {
        body.hub_secret_next = Some(NextSecretBody { secret: read("--hub-secret-next", secret)?, at: at.clone() });
    }
    Ok(())
}

fn auth(
    options: &FormOptions,
    read: impl Fn(&str, &str) -> Result<String, Failure>,
) -> Result<Option<AuthInput>, Failure> {
    let bearer = options.bearer.as_deref().map(|token| read("--bearer", token)).transpose()?;
    let basic = options.basic.as_ref().map(|(user, password)| {
        let password = read("--basic", password)?;
        Ok::<_, Failure>(BasicInput { user: user.clone(), password })
    });
    let auth = AuthInput { bearer, basic: basic.transpose()? };
    Ok((options.no_auth || auth.kind().is_some()).then_some(auth))
}

fn tls(
    options: &FormOptions,
    read: impl Fn(&str, &str) -> Result<String, Failure>,
) -> Result<Option<TlsInput>, Failure> {
    let pem = |argument: &str, given: &Option<String>| given.as_deref().map(|text| read(argument, text)).transpose();
    let tls = TlsInput {
        client_certificate: pem("--client-certificate", &options.client_certificate)?,
        client_key: pem("--client-key", &options.client_key)?,
        ca: pem("--ca", &options.ca)?,
    };
    Ok((options.no_tls || !tls.is_empty()).then_some(tls))
}
