//! Where the program's own words go: standard error, as JSON for machines or pretty for eyes.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFormat, LogSettings};

/// Starts logging. A second start in one process changes nothing.
pub(crate) fn start(settings: &LogSettings) {
    // A directive that cannot be read is left out, and the library says so on standard error.
    let filter = EnvFilter::builder().parse_lossy(&settings.filter);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if is_pretty(settings.format, std::io::stderr().is_terminal()) {
        lines.with_ansi(std::io::stderr().is_terminal()).finish().try_init()
    } else {
        lines.json().flatten_event(true).finish().try_init()
    };
    // It fails only when something started before.
    drop(started);
}

fn is_pretty(format: LogFormat, terminal: bool) -> bool {
    match format {
        LogFormat::Auto => terminal,
        LogFormat::Json => false,
        LogFormat::Pretty => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_start_changes_nothing() {
        let settings = LogSettings { format: LogFormat::Json, filter: "warn,store=debug".into() };
        start(&settings);
        start(&settings);
    }

    #[test]
    fn auto_is_pretty_on_a_terminal_only() {
        assert!(is_pretty(LogFormat::Auto, true));
        assert!(!is_pretty(LogFormat::Auto, false));
        assert!(is_pretty(LogFormat::Pretty, false));
        assert!(!is_pretty(LogFormat::Json, true));
    }
}
