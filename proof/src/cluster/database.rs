//! The database: a private PostgreSQL, its synchronous standby where one is wanted, and the relays that lead to them.
//!
//! Each server has a relay of its own, whose address never changes; the gateways know both, and take the one that accepts
//! writes.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use private_postgres::{DATABASE, PASSWORD, ROLE, Server};

use super::relay::Relay;
use crate::Outcome;

/// The standby's name in `synchronous_standby_names`.
const STANDBY: &str = "second";
const ATTACHED_MAX: Duration = Duration::from_secs(60);

/// Both servers and what leads to them.
pub(crate) struct Database {
    pub(crate) primary: Server,
    pub(crate) standby: Option<Server>,
    /// To the primary, and to where a standby would be.
    pub(crate) relays: [Relay; 2],
    /// Which relay leads to the primary.
    leading: usize,
}

impl Database {
    /// Starts the primary.
    pub(crate) fn start(seed: u64) -> Outcome<Self> {
        let primary = Server::start()?;
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let relays = [Relay::start(seed, vec![at(&primary)])?, Relay::start(seed + 1, vec![nobody])?];
        Ok(Self { primary, standby: None, relays, leading: 0 })
    }

    /// The store as the gateways have it.
    pub(crate) fn url(&self) -> String {
        let [first, second] = &self.relays;
        format!(
            "postgres://{ROLE}:{PASSWORD}@127.0.0.1:{},127.0.0.1:{}/{DATABASE}?sslmode=disable&sessions_max=8",
            first.at.port(),
            second.at.port()
        )
    }

    /// What leads to the primary.
    pub(crate) fn relay(&self) -> &Relay {
        let [first, second] = &self.relays;
        if self.leading == 0 { first } else { second }
    }

    /// Adds a standby for which every COMMIT waits.
    pub(crate) fn add_standby(&mut self) -> Outcome<()> {
        if self.standby.is_some() {
            return Ok(());
        }
        let standby = self.primary.standby(STANDBY)?;
        // It becomes a primary one day, and has no standby of its own then.
        standby.set(&[("synchronous_standby_names", "")])?;
        self.other().lead_to(at(&standby));
        self.primary.set(&[("synchronous_standby_names", STANDBY)])?;
        self.standby = Some(standby);
        let deadline = Instant::now() + ATTACHED_MAX;
        while self.primary.sql("SELECT sync_state FROM pg_stat_replication")? != "sync" {
            if Instant::now() > deadline {
                return Err("the standby does not attach".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// SIGKILL to every process of the primary, and its standby becomes the primary.
    pub(crate) fn fail_over(&mut self) -> Outcome<()> {
        self.primary.kill();
        self.promote().map(drop)
    }

    /// The same with a primary that is not dead: it stands still, the standby is promoted, and then it goes on, with the
    /// gateways' sessions, believing that it leads. It is killed a while later.
    pub(crate) fn fail_over_from_a_zombie(&mut self, lives: Duration) -> Outcome<()> {
        self.primary.freeze();
        std::thread::sleep(Duration::from_secs(1));
        let zombie = self.promote()?;
        zombie.thaw();
        std::thread::sleep(lives);
        drop(zombie);
        Ok(())
    }

    /// SIGKILL to every process of the primary; it starts again at once on what it left.
    pub(crate) fn crash(&mut self) -> Outcome<()> {
        self.primary.kill();
        Ok(self.primary.restart()?)
    }

    /// Makes the standby the primary, and gives the one that was.
    fn promote(&mut self) -> Outcome<Server> {
        let standby = self.standby.take().ok_or("there is no standby")?;
        standby.promote()?;
        self.leading = 1 - self.leading;
        Ok(std::mem::replace(&mut self.primary, standby))
    }

    fn other(&self) -> &Relay {
        let [first, second] = &self.relays;
        if self.leading == 0 { second } else { first }
    }
}

fn at(server: &Server) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()))
}
