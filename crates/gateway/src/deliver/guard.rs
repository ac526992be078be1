//! Which addresses may be reached. Judged on the resolved address at the moment of connecting, so that a name that
//! changes its address (DNS rebinding) gains nothing.
//!
//! Ranges: the reference implementations of Standard Webhooks refuse the same ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

use crate::settings::OutboundSettings;

/// Why an address is not reached. The sentence names the setting that would allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// A private, loopback or otherwise special address.
    #[error(
        "the address is private or special; to allow it, add its network to outbound.allow_networks or its host to \
         outbound.allow_hosts"
    )]
    Address,
    /// `http://` to a place that is not on the allowlist.
    #[error("plain http:// is allowed only to hosts in outbound.allow_hosts and networks in outbound.allow_networks")]
    PlainHttp,
}

/// The rule for everything that goes out.
#[derive(Debug, Clone)]
pub struct Guard {
    networks: Vec<IpNet>,
    hosts: Vec<String>,
}

impl Guard {
    /// The rule that the settings give. Development mode allows loopback.
    #[must_use]
    pub fn new(settings: &OutboundSettings, development: bool) -> Self {
        let mut networks = settings.allow_networks.clone();
        if development {
            networks.push(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)));
            networks.push(IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)));
        }
        let hosts = settings.allow_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Self { networks, hosts }
    }

    /// Whether this address of this host may be reached.
    pub fn check(&self, host: &str, address: IpAddr, tls: bool) -> Result<(), Refused> {
        let address = plain_form(address);
        if self.lists_host(host) || self.networks.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        if is_special(address) {
            return Err(Refused::Address);
        }
        if tls { Ok(()) } else { Err(Refused::PlainHttp) }
    }

    /// Whether a host may be asked for by its name alone, where a proxy finds the address. Of the address only so much can
    /// be judged as the name shows.
    pub fn check_name(&self, host: &str, tls: bool) -> Result<(), Refused> {
        if self.lists_host(host) {
            return Ok(());
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let last = host.rsplit('.').next().unwrap_or_default();
        // `127.1`, `0x7f000001`: some programs read such names as addresses.
        let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
        let is_hex = last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if host.is_empty() || last == "localhost" || is_number || is_hex {
            return Err(Refused::Address);
        }
        if tls { Ok(()) } else { Err(Refused::PlainHttp) }
    }

    fn lists_host(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.hosts.iter().any(|allowed| match allowed.strip_prefix('.') {
            Some(domain) => host.strip_suffix(domain).is_some_and(|left| left.ends_with('.')),
            None => *allowed == host,
        })
    }
}

/// An IPv4 address in IPv6 clothes is judged as what it is.
fn plain_form(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_special_v4(v4),
        IpAddr::V6(v6) => is_special_v6(v6),
    }
}

fn is_special_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_multicast()
        || v4.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
}

fn is_special_v6(v6: Ipv6Addr) -> bool {
    let [a, b, c, ..] = v6.segments();
    v6.is_unspecified()
        || v6.is_loopback()
        || v6.is_multicast()
        || v6.is_unicast_link_local()
        || v6.is_unique_local()
        || (a == 0x2001 && b == 0x0db8)
        || (a == 0x3fff && b < 0x1000)
        || (a == 0x0100 && v6.segments().get(1..4) == Some(&[0, 0, 0]))
        || a == 0x2002
        || (a == 0x0064 && b == 0xff9b && (c <= 1))
        || a == 0x5f00
        // IPv4-compatible, long deprecated, and still understood by some stacks.
        || v6.segments().get(..6) == Some(&[0; 6])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

    use super::*;

    fn guard(networks: &[&str], hosts: &[&str], development: bool) -> Guard {
        let settings = OutboundSettings {
            allow_networks: networks.iter().map(|n| n.parse().unwrap()).collect(),
            allow_hosts: hosts.iter().map(|h| (*h).to_owned()).collect(),
            in_flight_max: 1,
            proxy: None,
        };
        Guard::new(&settings, development)
    }

    #[test]
    fn special_addresses_are_refused_in_every_form() {
        let guard = guard(&[], &[], false);
        for address in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "192.88.99.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "5f00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(guard.check("host.example", address, true), Err(Refused::Address), "{address}");
        }
    }

    /// The ranges that the reference implementations refuse, each as a network.
    const RANGES: &[&str] = &[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "255.255.255.255/32",
        "::/128",
        "::1/128",
        "fe80::/10",
        "fc00::/7",
        "ff00::/8",
        "2001:db8::/32",
        "3fff::/20",
        "100::/64",
        "2002::/16",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "5f00::/16",
    ];

    #[test]
    fn every_range_is_refused_from_its_first_address_to_its_last_in_every_form() {
        let guard = guard(&[], &[], false);
        for range in RANGES {
            let network: IpNet = range.parse().unwrap();
            for address in [network.network(), network.broadcast()] {
                assert_eq!(guard.check("host.example", address, true), Err(Refused::Address), "{address} of {range}");
                let IpAddr::V4(v4) = address else { continue };
                let [a, b, c, d] = v4.octets().map(u16::from);
                let pair = [a << 8 | b, c << 8 | d];
                let forms = [
                    v4.to_ipv6_mapped(),
                    v4.to_ipv6_compatible(),
                    Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, pair[0], pair[1]),
                    Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, pair[0], pair[1]),
                    Ipv6Addr::new(0x2002, pair[0], pair[1], 0, 0, 0, 0, 1),
                ];
                for form in forms {
                    assert_eq!(guard.check("host.example", form.into(), true), Err(Refused::Address), "{form}");
                }
            }
        }
    }

    #[test]
    fn of_a_name_behind_a_proxy_as_much_is_judged_as_it_shows() {
        let strict = guard(&[], &["crm.internal"], false);
        for name in ["localhost", "LOCALHOST.", "a.localhost", "127.1", "2130706433", "0x7f000001", "host.0x7f", ""] {
            assert_eq!(strict.check_name(name, true), Err(Refused::Address), "{name}");
        }
        assert_eq!(strict.check_name("crm.example.com", true), Ok(()));
        assert_eq!(strict.check_name("crm.example.com", false), Err(Refused::PlainHttp));
        assert_eq!(strict.check_name("crm.internal", false), Ok(()));
        assert_eq!(strict.check_name("face.0xg", true), Ok(()));
    }

    #[test]
    fn public_addresses_are_reached_by_tls_only() {
        let guard = guard(&[], &[], false);
        for address in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(guard.check("host.example", address, true), Ok(()));
            assert_eq!(guard.check("host.example", address, false), Err(Refused::PlainHttp));
        }
    }

    #[test]
    fn an_allowed_network_or_host_is_reached_and_its_neighbours_are_not() {
        let guard = guard(&["10.1.0.0/16"], &["crm.internal", ".svc.local"], false);
        let ten: IpAddr = "10.2.0.1".parse().unwrap();
        assert_eq!(guard.check("x", "10.1.2.3".parse().unwrap(), false), Ok(()));
        assert_eq!(guard.check("x", "::ffff:10.1.2.3".parse().unwrap(), false), Ok(()));
        assert_eq!(guard.check("x", ten, true), Err(Refused::Address));
        assert_eq!(guard.check("CRM.internal.", ten, false), Ok(()));
        assert_eq!(guard.check("bot.svc.local", ten, false), Ok(()));
        assert_eq!(guard.check("evilsvc.local", ten, true), Err(Refused::Address));
        assert_eq!(guard.check("svc.local", ten, true), Err(Refused::Address));
    }

    #[test]
    fn development_mode_reaches_loopback_and_nothing_else() {
        let guard = guard(&[], &[], true);
        assert_eq!(guard.check("localhost", "127.0.0.1".parse().unwrap(), false), Ok(()));
        assert_eq!(guard.check("localhost", "::1".parse().unwrap(), false), Ok(()));
        assert_eq!(guard.check("router", "192.168.1.1".parse().unwrap(), true), Err(Refused::Address));
    }
}
