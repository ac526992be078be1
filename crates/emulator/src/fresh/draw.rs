//! New ids in the likeness of old ones.

use fastrand::Rng;

/// Characters of a free-form id that are drawn anew; 36^12 leaves no chance of meeting one again.
const TAG_CHARS: usize = 12;
/// Characters of a message id that stay in front: in real ones, the coded number.
const MESSAGE_ID_KEPT: usize = 24;
/// Characters of a message id that must be new, even in short ones.
const MESSAGE_ID_NEW_MIN: usize = 20;

/// A message or call id: the beginning and the padding stay, the rest is new.
pub(super) fn message_id(rng: &mut Rng, old: &str) -> String {
    let coded = old.trim_end_matches('=');
    let prefix = coded.find('.').map_or(4, |dot| dot + 1);
    let kept = coded.len().saturating_sub(MESSAGE_ID_NEW_MIN).clamp(prefix, prefix + MESSAGE_ID_KEPT);
    let new = coded.len().saturating_sub(kept).max(MESSAGE_ID_NEW_MIN);
    let mut id: String = old.chars().take(kept).collect();
    id.extend((0..new).map(|_| rng.alphanumeric()));
    id.extend(old.chars().skip(coded.len()));
    id
}

/// As many digits as before, the first one kept so that the size stays.
pub(super) fn digits(rng: &mut Rng, old: &str) -> String {
    let mut id: String = old.chars().take(1).collect();
    id.extend(old.chars().skip(1).map(|_| rng.digit(10)));
    id
}

/// A business-scoped user id of the same country and length.
pub(super) fn user_id(rng: &mut Rng, old: &str) -> String {
    let (country, rest) = old.rsplit_once('.').unwrap_or(("US", old));
    let digits: String = rest.chars().map(|_| rng.digit(10)).collect();
    format!("{country}.{digits}")
}

/// An id of free form: all up to the last hyphen or underscore stays.
pub(super) fn tagged(rng: &mut Rng, old: &str) -> String {
    let word = old.rfind(['-', '_']).and_then(|end| old.get(..=end)).unwrap_or_default();
    format!("{word}{}", tag(rng))
}

/// Prose with a reference behind it.
pub(super) fn marked(rng: &mut Rng, old: &str) -> String {
    format!("{old} (ref {})", tag(rng))
}

fn tag(rng: &mut Rng) -> String {
    (0..TAG_CHARS).map(|_| rng.digit(36)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_is_in_the_likeness_of_the_old_one() {
        let rng = &mut Rng::with_seed(1);
        let old = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA=";
        let new = message_id(rng, old);
        assert_eq!(new.len(), old.len());
        assert!(new.starts_with("wamid.HBgLMTY1MDM4Nzk0MzkVAgA") && new.ends_with('=') && new != old);
        assert!(message_id(rng, "ABGGFlA5Fpa").starts_with("ABGG"));
        assert!(message_id(rng, "wacid.").len() > 20);
        let template = digits(rng, "1689556908129832");
        assert!(template.starts_with('1') && template.len() == 16);
        assert!(user_id(rng, "US.ENT.11815799212886844830").starts_with("US.ENT."));
        assert!(tagged(rng, "CLICK_ID_1").starts_with("CLICK_ID_") && tagged(rng, "x").len() == TAG_CHARS);
    }
}
