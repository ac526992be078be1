//! `--to URL`: the whole set-up for one handler. It is sent Meta's own format, signed with the app secret that it
//! already has.

use gateway::Settings;
use gateway::endpoint::{EndpointInput, Format, RuleInput};

use crate::exit::Failure;

/// The id of the endpoint that `--to` makes.
const ID: &str = "to";

/// Adds the endpoint, and allows the host: whoever types a URL means it.
pub(super) fn add(settings: &mut Settings, url: &str) -> Result<(), Failure> {
    let several = settings.apps.len() > 1;
    for app in &settings.apps {
        let input = EndpointInput {
            id: Some(if several { format!("{ID}-{}", app.name) } else { ID.to_owned() }),
            url: url.to_owned(),
            format: Format::Meta,
            rules: vec![RuleInput { apps: vec![app.name.clone()], test: true, ..RuleInput::default() }],
            ordered: true,
            concurrency_max: 16,
            hub_secret: app.secrets.first().map(|secret| secret.expose().to_owned()),
            ..EndpointInput::default()
        };
        input.clone().check().map_err(|bad| Failure::Arguments(format!("--to {url}: {}", bad.expected)))?;
        settings.endpoints.push(input);
    }
    if let Some(host) = host(url) {
        settings.outbound.allow_hosts.push(host);
    }
    Ok(())
}

/// The host in a URL that was checked.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    Some(host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_found_in_every_form_of_a_url() {
        assert_eq!(host("http://localhost:3000/webhook").as_deref(), Some("localhost"));
        assert_eq!(host("https://bot.example/x?y=http://z").as_deref(), Some("bot.example"));
        assert_eq!(host("http://[::1]:3000/").as_deref(), Some("::1"));
    }
}
