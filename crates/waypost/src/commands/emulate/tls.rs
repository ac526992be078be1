//! The files of TLS: the client certificate and its authority, and whom the sender trusts.

use std::path::Path;

use emulator::Sender;
use emulator::sender::HANDSHAKE_TIMEOUT;
use emulator::tls::{self, Identity};

use crate::cli::EmulateArgs;
use crate::exit::Failure;
use crate::{private_file, terminal};

/// For receivers to trust.
const AUTHORITY: &str = "ca.pem";
const CERTIFICATE: &str = "client.pem";
const KEY: &str = "client.key";

/// The sender that was asked for.
pub(super) fn sender(args: &EmulateArgs) -> Result<Sender, Failure> {
    let trusted = args.tls.trust.as_ref().map(|file| read(file)).transpose()?;
    let identity = args.tls.mtls.as_ref().map(|folder| identity(folder)).transpose()?;
    if trusted.is_none() && identity.is_none() {
        return Ok(Sender::with_timeouts(args.timeout, HANDSHAKE_TIMEOUT));
    }
    let config = tls::client(trusted.as_deref(), identity.as_ref());
    let config = config.map_err(|error| Failure::Arguments(format!("--mtls, --trust: {error}")))?;
    Ok(Sender::with_tls(config, args.timeout))
}

/// The identity in this folder; a new one where there is none.
fn identity(folder: &Path) -> Result<Identity, Failure> {
    let [authority, certificate, key] = [AUTHORITY, CERTIFICATE, KEY].map(|name| folder.join(name));
    if authority.exists() && certificate.exists() && key.exists() {
        return Ok(Identity { authority: read(&authority)?, certificate: read(&certificate)?, key: read(&key)? });
    }
    let made = Identity::make().map_err(|_| Failure::NoChance)?;
    std::fs::create_dir_all(folder).map_err(Failure::file(format!("make {}", folder.display())))?;
    for (path, text) in [(&authority, &made.authority), (&certificate, &made.certificate)] {
        std::fs::write(path, text).map_err(Failure::file(format!("write {}", path.display())))?;
    }
    private_file::write(&key, &made.key).map_err(Failure::file(format!("write {}", key.display())))?;
    terminal::tell(&format!(
        "a client certificate for {} was made; the receiver has to trust {}",
        tls::CLIENT_NAME,
        authority.display()
    ));
    Ok(made)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(Failure::file(format!("read {}", path.display())))
}
