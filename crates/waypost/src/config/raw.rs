//! The configuration as it was typed: every key that exists, nothing judged.

use super::endpoints::{self, DeclaredEndpoint};
use super::problem::At;
use super::reader::Reader;
use super::reference::Reference;

/// Everything that can be typed.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) store: At<Reference>,
    pub(crate) store_password: Option<At<Reference>>,
    pub(crate) node: Option<At<String>>,
    pub(crate) node_folder: At<String>,
    pub(crate) development: At<bool>,
    pub(crate) secrets_key: Option<At<Reference>>,
    pub(crate) receive: RawReceive,
    pub(crate) admin: RawAdmin,
    pub(crate) apps: Vec<RawApp>,
    pub(crate) endpoints: Vec<DeclaredEndpoint>,
    pub(crate) outbound: RawOutbound,
    pub(crate) retention: RawRetention,
    pub(crate) logs: RawLogs,
}

/// `[receive]`.
#[derive(Debug)]
pub(crate) struct RawReceive {
    pub(crate) listen: At<String>,
    pub(crate) body_bytes_max: At<u64>,
    pub(crate) requests_in_flight_max: At<u64>,
    pub(crate) bytes_in_flight_max: At<u64>,
    pub(crate) connections_max: At<u64>,
    pub(crate) drain_seconds: At<u64>,
    pub(crate) keep_refused: At<bool>,
}

/// `[admin]`.
#[derive(Debug)]
pub(crate) struct RawAdmin {
    pub(crate) listen: At<String>,
}

/// One of `[[apps]]`.
#[derive(Debug, Default)]
pub(crate) struct RawApp {
    pub(crate) here: At<()>,
    pub(crate) name: Option<At<String>>,
    pub(crate) app_id: Option<At<String>>,
    pub(crate) group: Option<At<String>>,
    pub(crate) paths: Option<At<Vec<String>>>,
    pub(crate) verify_token: Option<At<Reference>>,
    pub(crate) secrets: Option<At<Vec<Reference>>>,
    pub(crate) secret: Option<At<Reference>>,
}

/// `[outbound]`.
#[derive(Debug)]
pub(crate) struct RawOutbound {
    pub(crate) allow_networks: At<Vec<String>>,
    pub(crate) allow_hosts: At<Vec<String>>,
    pub(crate) in_flight_max: At<u64>,
    pub(crate) proxy: Option<At<String>>,
}

/// `[retention]`.
#[derive(Debug)]
pub(crate) struct RawRetention {
    pub(crate) body_days: At<u64>,
    pub(crate) metadata_days: At<u64>,
    pub(crate) key_days: At<u64>,
    pub(crate) volume_percent_max: At<u64>,
    pub(crate) store_bytes_max: Option<At<u64>>,
}

/// `[logs]`.
#[derive(Debug)]
pub(crate) struct RawLogs {
    pub(crate) format: At<String>,
    pub(crate) level: At<String>,
}

impl Raw {
    /// Reads the outermost table.
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            store: reader.secret("store"),
            store_password: reader.secret_if_given("store_password"),
            node: reader.text_if_given("node"),
            node_folder: reader.text("node_folder"),
            development: reader.flag("development"),
            secrets_key: reader.secret_if_given("secrets_key"),
            receive: reader.section("receive", |receive| RawReceive {
                listen: receive.text("listen"),
                body_bytes_max: receive.number("body_bytes_max"),
                requests_in_flight_max: receive.number("requests_in_flight_max"),
                bytes_in_flight_max: receive.number("bytes_in_flight_max"),
                connections_max: receive.number("connections_max"),
                drain_seconds: receive.number("drain_seconds"),
                keep_refused: receive.flag("keep_refused"),
            }),
            admin: reader.section("admin", |admin| RawAdmin { listen: admin.text("listen") }),
            apps: reader.sections("apps", RawApp::read),
            endpoints: endpoints::read(reader),
            outbound: reader.section("outbound", |outbound| RawOutbound {
                allow_networks: outbound.list("allow_networks"),
                allow_hosts: outbound.list("allow_hosts"),
                in_flight_max: outbound.number("in_flight_max"),
                proxy: outbound.text_if_given("proxy"),
            }),
            retention: reader.section("retention", |retention| RawRetention {
                body_days: retention.number("body_days"),
                metadata_days: retention.number("metadata_days"),
                key_days: retention.number("key_days"),
                volume_percent_max: retention.number("volume_percent_max"),
                store_bytes_max: retention.number_if_given("store_bytes_max"),
            }),
            logs: reader.section("logs", |logs| RawLogs { format: logs.text("format"), level: logs.text("level") }),
        }
    }
}

impl RawApp {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            here: reader.here(),
            name: reader.text_if_given("name"),
            app_id: reader.text_if_given("app_id"),
            group: reader.text_if_given("group"),
            paths: reader.list_if_given("paths"),
            verify_token: reader.secret_if_given("verify_token"),
            secrets: reader.secrets("secrets"),
            secret: reader.secret_if_given("secret"),
        }
    }
}
