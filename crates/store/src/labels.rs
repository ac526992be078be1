//! The labels of one WABA or number, in and out of the seam.

use rules::route::Labelled;

/// The labels of one WABA or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelsOf {
    /// What bears them.
    pub on: Labelled,
    /// Its id at Meta.
    pub id: String,
    /// The labels, each once.
    pub labels: Vec<String>,
}
