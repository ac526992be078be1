//! What the gateway is told when it starts. Checked by whoever builds it; nothing here is optional by accident.

use std::net::SocketAddr;

use hyper::Uri;
use ipnet::IpNet;
use rules::limits;
use store::Retention;

use crate::endpoint::EndpointInput;
use crate::secret::Secret;

/// Everything the gateway is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Development mode: loopback targets are allowed, refused bodies are kept in memory to explain them.
    pub development: bool,
    /// The listener that Meta reaches.
    pub receive: ReceiveSettings,
    /// The listener for people and tools: API, metrics, health.
    pub admin: AdminSettings,
    /// The Meta apps.
    pub apps: Vec<AppSettings>,
    /// The endpoints declared in the configuration.
    pub endpoints: Vec<EndpointInput>,
    /// Where deliveries may go, and how many at once.
    pub outbound: OutboundSettings,
    /// What is kept, and for how long.
    pub retention: Retention,
}

/// The listener that Meta reaches.
#[derive(Debug, Clone)]
pub struct ReceiveSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Bytes of a body at most.
    pub body_bytes_max: usize,
    /// Requests being read or committed at once, at most.
    pub requests_in_flight_max: usize,
    /// Bytes of the bodies being read or committed at once, at most.
    pub bytes_in_flight_max: usize,
    /// Open connections at most.
    pub connections_max: usize,
    /// Seconds for the drain at the end.
    pub drain_seconds: u64,
    /// Keep the last few bodies whose signature was refused in memory, outside development mode as well.
    pub keep_refused: bool,
}

/// The listener for people and tools.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The token with which commands on the same machine are let in.
    pub local_token: Option<Secret>,
}

/// A Meta app.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// What Waypost calls it.
    pub name: String,
    /// Its id at Meta, where known.
    pub app_id: Option<String>,
    /// Apps of one group share their events: the same event through two of them is one.
    pub group: Option<String>,
    /// The callback paths, each beginning with `/`.
    pub paths: Vec<String>,
    /// The token of the handshake.
    pub verify_token: Secret,
    /// The app secrets; several while one replaces another.
    pub secrets: Vec<Secret>,
}

impl AppSettings {
    /// Within which keys are unique.
    #[must_use]
    pub fn scope(&self) -> String {
        // The prefix keeps a group and an app of the same name apart.
        self.group.as_ref().map_or_else(|| format!("app:{}", self.name), |group| format!("group:{group}"))
    }
}

/// Where deliveries may go, and how many at once.
#[derive(Debug, Clone, Default)]
pub struct OutboundSettings {
    /// Networks that are allowed although they are private or loopback.
    pub allow_networks: Vec<IpNet>,
    /// Hosts that are allowed whatever they resolve to, and by plain `http://`. A leading dot stands for all names below.
    pub allow_hosts: Vec<String>,
    /// Requests in flight to all endpoints together, at most.
    pub in_flight_max: usize,
    /// The proxy for all endpoints that name none.
    pub proxy: Option<ProxyAddress>,
}

/// The address of a proxy.
pub type ProxyAddress = Uri;

impl Default for ReceiveSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            body_bytes_max: limits::BODY_BYTES_DEFAULT,
            requests_in_flight_max: 1_024,
            bytes_in_flight_max: 256 * 1024 * 1024,
            connections_max: 10_000,
            drain_seconds: 30,
            keep_refused: false,
        }
    }
}
