//! Arguments of `emulate`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use emulator::mischief::{Mischief, Percent};
use emulator::run::Pace;

use super::ConfigArgs;

const EXAMPLES: &str = "\
Examples:
  waypost emulate                                     a conversation, to the gateway of this machine
  waypost emulate --scenario support-desk --to http://localhost:3000/webhook
  waypost emulate --scenario mine.toml --speed 60     a minute in a second
  waypost emulate --graph 127.0.0.1:8090              and a Graph API to send with, until Ctrl-C
  waypost emulate --scenario storm --bad-day --seed 7
  waypost emulate --load 4000/s --for 60s --ledger ledger.jsonl
  waypost emulate --list

Before anything is sent each receiver is asked to prove that it knows the verify token. A notification that is not answered
200 is sent again, at once and then after growing gaps, for seven days as the emulator's clock goes.

It fails (1) when a receiver does not prove itself, when something never got a 200, or when a forged request was taken.";

/// Arguments of `emulate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EmulateArgs {
    /// A scenario by its name, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "hello")]
    pub(crate) scenario: String,
    /// Where to, for apps whose scenario gives no callback [default: the first callback of this machine's gateway]
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// The app secret: `env:NAME`, `file:PATH`, `-` for standard input, or the secret itself [default: that of this
    /// machine's gateway, else `emulator-app-secret`]
    #[arg(long, value_name = "SECRET")]
    pub(crate) secret: Option<String>,
    /// The app's second secret, for `--second-secret`'s share of the requests
    #[arg(long, value_name = "SECRET")]
    pub(crate) other_secret: Option<String>,
    /// The verify token, given like the secret [default: that of this machine's gateway, else `emulator-verify-token`]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) verify_token: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Answer as the Graph API does, at this address, until Ctrl-C
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) graph: Option<SocketAddr>,
    /// How many times as fast time goes: between events, and between retries
    #[arg(long, value_name = "N", default_value = "1", value_parser = pace)]
    pub(crate) speed: Pace,
    /// What chance begins with: one seed repeats one run [default: a new one, told at the start]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Begin again when the script is over
    #[arg(long = "loop")]
    pub(crate) again: bool,
    /// Stop after this long
    #[arg(long = "for", value_name = "LENGTH", value_parser = humantime::parse_duration)]
    pub(crate) length: Option<Duration>,
    /// Send without asking the receivers to prove themselves first
    #[arg(long)]
    pub(crate) no_handshake: bool,
    /// How long a receiver may take
    #[arg(long, value_name = "LENGTH", default_value = "20s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) tls: EmulateTlsArgs,
    #[command(flatten)]
    pub(crate) load: EmulateLoadArgs,
    #[command(flatten)]
    pub(crate) faults: FaultArgs,
    /// Spell bodies in plain UTF-8 instead of Meta's escapes
    #[arg(long)]
    pub(crate) raw_utf8: bool,
    /// Escape `<`, `%` and `@` as well
    #[arg(long, conflicts_with = "raw_utf8")]
    pub(crate) full_escapes: bool,
    /// List the ready scenarios
    #[arg(long)]
    pub(crate) list: bool,
    /// Print the file of a ready scenario, as a beginning for one of your own
    #[arg(long, value_name = "NAME", conflicts_with = "list")]
    pub(crate) show: Option<String>,
    /// Print JSON: one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the sender speaks TLS.
#[derive(Debug, Args)]
pub(crate) struct EmulateTlsArgs {
    /// Present a client certificate, as Meta does where an app asks for it; it and its test authority (`ca.pem`, for the
    /// receiver to trust) are kept in this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) mtls: Option<PathBuf>,
    /// Trust this authority, too, for https:// receivers
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Option<PathBuf>,
}

/// A load instead of a scenario.
#[derive(Debug, Args)]
pub(crate) struct EmulateLoadArgs {
    /// So many events a second instead of a script, whatever the receiver does: 60 % statuses, 30 % messages, 10 % others
    #[arg(long, value_name = "N/s", value_parser = rate, conflicts_with_all = ["graph", "again", "FaultArgs"])]
    pub(crate) load: Option<f64>,
    /// Write down what is sent and what is answered, one JSON object a line
    #[arg(long, value_name = "FILE", requires = "load")]
    pub(crate) ledger: Option<PathBuf>,
    /// People in the load
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) contacts: u32,
}

/// Meta's bad side. Each is a word of `[faults]` in scenarios, too.
#[derive(Debug, Args)]
#[command(next_help_heading = "Faults, each in so many of a hundred events")]
pub(crate) struct FaultArgs {
    /// A bad day: everything that was ever reported, now and then
    #[arg(long)]
    bad_day: bool,
    /// The same bytes again
    #[arg(long, value_name = "PERCENT")]
    duplicates: Option<Percent>,
    /// The same event again, in one body with the one before it
    #[arg(long, value_name = "PERCENT")]
    regroup: Option<Percent>,
    /// Overtaken by later ones
    #[arg(long, value_name = "PERCENT")]
    reorder: Option<Percent>,
    /// So many events in one body (up to 1000)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    batch: Option<u16>,
    /// `read` without `delivered`
    #[arg(long, value_name = "PERCENT")]
    read_without_delivered: Option<Percent>,
    /// `read` before `delivered`
    #[arg(long, value_name = "PERCENT")]
    read_before_delivered: Option<Percent>,
    /// Both `delivered` and `failed`
    #[arg(long, value_name = "PERCENT")]
    delivered_and_failed: Option<Percent>,
    /// The first status before the answer to the send call (Graph side)
    #[arg(long, value_name = "PERCENT")]
    status_before_answer: Option<Percent>,
    /// A body of 3 MB beside it
    #[arg(long, value_name = "PERCENT")]
    large: Option<Percent>,
    /// The envelope in an array
    #[arg(long, value_name = "PERCENT")]
    array_wrapped: Option<Percent>,
    /// A copy without its envelope
    #[arg(long, value_name = "PERCENT")]
    bare_sample: Option<Percent>,
    /// The App Dashboard's test send beside it
    #[arg(long, value_name = "PERCENT")]
    dashboard: Option<Percent>,
    /// A copy with a wrong signature
    #[arg(long, value_name = "PERCENT")]
    wrong_signature: Option<Percent>,
    /// A copy without a signature
    #[arg(long, value_name = "PERCENT")]
    missing_signature: Option<Percent>,
    /// Signed with the app's second secret
    #[arg(long, value_name = "PERCENT")]
    second_secret: Option<Percent>,
    /// The content replaced by error 131035
    #[arg(long, value_name = "PERCENT")]
    retention: Option<Percent>,
    /// Bytes that come slowly
    #[arg(long, value_name = "PERCENT")]
    slow: Option<Percent>,
    /// A connection cut in the middle of the body
    #[arg(long, value_name = "PERCENT")]
    cut: Option<Percent>,
    /// Everything is as old as this and comes at once
    #[arg(long, value_name = "LENGTH", value_parser = humantime::parse_duration)]
    outage: Option<Duration>,
}

impl FaultArgs {
    /// What the scenario says, unless something else was typed.
    pub(crate) fn over(&self, scenario: Mischief) -> Mischief {
        let day = if self.bad_day { Mischief::bad_day() } else { scenario };
        Mischief {
            duplicates: self.duplicates.unwrap_or(day.duplicates),
            regroup: self.regroup.unwrap_or(day.regroup),
            reorder: self.reorder.unwrap_or(day.reorder),
            batch: self.batch.unwrap_or(day.batch),
            read_without_delivered: self.read_without_delivered.unwrap_or(day.read_without_delivered),
            read_before_delivered: self.read_before_delivered.unwrap_or(day.read_before_delivered),
            delivered_and_failed: self.delivered_and_failed.unwrap_or(day.delivered_and_failed),
            status_before_answer: self.status_before_answer.unwrap_or(day.status_before_answer),
            large: self.large.unwrap_or(day.large),
            array_wrapped: self.array_wrapped.unwrap_or(day.array_wrapped),
            bare_sample: self.bare_sample.unwrap_or(day.bare_sample),
            dashboard: self.dashboard.unwrap_or(day.dashboard),
            wrong_signature: self.wrong_signature.unwrap_or(day.wrong_signature),
            missing_signature: self.missing_signature.unwrap_or(day.missing_signature),
            second_secret: self.second_secret.unwrap_or(day.second_secret),
            retention: self.retention.unwrap_or(day.retention),
            slow: self.slow.unwrap_or(day.slow),
            cut: self.cut.unwrap_or(day.cut),
            outage: self.outage.unwrap_or(day.outage),
        }
    }
}

fn pace(text: &str) -> Result<Pace, String> {
    let speed = text.trim_end_matches('x').parse().map_err(|_| "expected a number".to_owned())?;
    Pace::new(speed).map_err(str::to_owned)
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.trim_end_matches("/s").parse().map_err(|_| "expected a number, for instance 4000/s".to_owned())?;
    if (0.1..=1_000_000.0).contains(&rate) { Ok(rate) } else { Err("expected 0.1 to 1000000".to_owned()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use clap::CommandFactory as _;
    use emulator::scenario::{READY, Scenario};

    use super::*;

    const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/emulate.md");

    #[derive(clap::Parser)]
    struct Faults {
        #[command(flatten)]
        args: FaultArgs,
    }

    /// The flags of faults.
    fn flags() -> Vec<String> {
        let command = Faults::command();
        command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)).collect()
    }

    #[test]
    fn the_guide_has_every_scenario_and_every_fault() {
        let guide = std::fs::read_to_string(GUIDE).unwrap();
        for ready in READY {
            assert!(guide.contains(&format!("| `{}` |", ready.name)), "{}", ready.name);
        }
        for flag in flags().iter().filter(|flag| *flag != "bad-day") {
            assert!(guide.contains(&format!("`{flag}`")), "{flag}");
        }
        assert!(guide.contains("`--bad-day`"));
    }

    #[test]
    fn every_fault_is_a_flag_and_a_word_of_scenarios_that_mean_the_same() {
        for flag in flags().iter().filter(|flag| *flag != "bad-day") {
            let value = if flag == "outage" { "'2days'" } else { "7" };
            let scenario = Scenario::parse(&format!("[faults]\n{flag} = {value}")).unwrap().mischief;
            let typed = ["x".to_owned(), format!("--{flag}"), value.trim_matches('\'').to_owned()];
            let args = <Faults as clap::Parser>::parse_from(typed).args;
            assert_eq!(args.over(Mischief::default()), scenario, "{flag}");
            assert_ne!(scenario, Mischief::default(), "{flag}");
            assert_eq!(
                FaultArgs::over(&<Faults as clap::Parser>::parse_from(["x"]).args, scenario),
                scenario,
                "{flag}"
            );
        }
    }
}
