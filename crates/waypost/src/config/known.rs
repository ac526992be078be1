//! Which keys exist, and what was probably meant by one that does not.

use super::problem::{At, nearest};

/// A key that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The whole key, `[]` standing for one of a list of tables.
    pub(crate) key: String,
    /// The variable that sets it, where one does.
    pub(crate) variable: Option<String>,
    /// What it takes, in words.
    pub(crate) kind: &'static str,
}

/// A key that stands in the file and does not exist.
#[derive(Debug)]
pub(crate) struct Unknown {
    /// Where it stands.
    pub(crate) at: At<()>,
    /// The key within its table.
    pub(crate) word: String,
    /// The keys that exist in that table.
    pub(crate) siblings: Vec<&'static str>,
}

impl Unknown {
    /// The nearest key of the same table, or the table where that very key belongs.
    pub(crate) fn hint(&self, known: &[Known]) -> Option<String> {
        let word = self.word.as_str();
        if let Some(near) = nearest(word, self.siblings.iter().copied()) {
            return Some(format!("did you mean `{near}`?"));
        }
        let elsewhere = known.iter().find(|known| known.key.rsplit('.').next() == Some(word))?;
        Some(match elsewhere.key.rsplit_once('.') {
            None => format!("`{word}` belongs at the top of the file, before the first [section]"),
            Some((list, _)) if list.ends_with("[]") => {
                format!("`{word}` belongs in [[{}]]", list.trim_end_matches("[]"))
            }
            Some((section, _)) => format!("`{word}` belongs in [{section}]"),
        })
    }
}
