//! The verdict in a sentence with its remedy, or as JSON.

use emulator::Diagnosis;
use emulator::diagnose::{Clue, Mistake};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::terminal;

/// What is said when nothing explains it.
const WRONG_SECRET: &str = "use the app secret of the app that sends (App settings > Basic > App secret); a client token, \
     a verify token, an access token or another app's secret in its place cannot be told apart from any wrong secret";

/// What was found, to be told.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    fits: bool,
    /// Which secret made the signature, where one did.
    secret: Option<String>,
    /// Stable words for what explains it.
    mistakes: Vec<&'static str>,
    /// What is the matter.
    explanation: String,
    /// What to do.
    remedy: Option<String>,
}

impl Verdict {
    /// The verdict, with what to call each secret.
    pub(super) fn new(diagnosis: Diagnosis, names: &[String]) -> Self {
        let name = |secret: usize| names.get(secret).cloned();
        match diagnosis {
            Diagnosis::Fits { secret } => Self {
                fits: true,
                secret: name(secret),
                mistakes: Vec::new(),
                explanation: format!("the signature fits the body with {}", name(secret).unwrap_or_default()),
                remedy: None,
            },
            Diagnosis::Mistaken { secret, mistakes } => Self::mistaken(name(secret), &mistakes),
            Diagnosis::NoSignature => Self::of(
                "no_signature",
                "what was given is no signature",
                "give the header X-Hub-Signature-256: `sha256=` and 64 hexadecimal digits",
            ),
            Diagnosis::Unexplained { clues } => Self::unexplained(&clues),
        }
    }

    /// There was no header.
    pub(super) fn unsigned() -> Self {
        Self::of(
            "signature_missing",
            "the request had no X-Hub-Signature-256 header",
            "let everything between Meta and the receiver pass headers on; Meta signs every notification",
        )
    }

    fn of(word: &'static str, explanation: &str, remedy: &str) -> Self {
        let (explanation, remedy) = (explanation.to_owned(), Some(remedy.to_owned()));
        Self { fits: false, secret: None, mistakes: vec![word], explanation, remedy }
    }

    fn mistaken(secret: Option<String>, mistakes: &[Mistake]) -> Self {
        let (rewritten, others): (Vec<_>, Vec<_>) = mistakes.iter().partition(|mistake| mistake.is_rewriting());
        let mut told: Vec<String> = others.into_iter().map(Mistake::to_string).collect();
        if !rewritten.is_empty() {
            let changes: Vec<String> = rewritten.into_iter().map(Mistake::to_string).collect();
            told.push(format!("something parsed the JSON and wrote it anew ({})", changes.join(", ")));
        }
        let mut remedies: Vec<&str> = mistakes.iter().map(Mistake::remedy).collect();
        remedies.dedup();
        Self {
            fits: false,
            mistakes: mistakes.iter().map(Mistake::code).collect(),
            explanation: format!("{}; but for that it fits {}", told.join("; "), secret.as_deref().unwrap_or_default()),
            remedy: Some(remedies.join("; ")),
            secret,
        }
    }

    fn unexplained(clues: &[Clue]) -> Self {
        let odd: Vec<String> = clues.iter().map(Clue::to_string).collect();
        let explanation = if odd.is_empty() {
            "no usual mistake explains it, so the secret is probably not the one that signed".to_owned()
        } else {
            odd.join("; ")
        };
        let remedy = if odd.is_empty() { WRONG_SECRET } else { "keep the raw bytes as they came, and verify those" };
        let mistakes =
            if odd.is_empty() { vec!["wrong_secret"] } else { clues.iter().map(|clue| clue.code()).collect() };
        Self { fits: false, secret: None, mistakes, explanation, remedy: Some(remedy.to_owned()) }
    }

    /// Prints it. It fails when the signature does not fit.
    pub(super) fn print(&self, json: bool) -> Result<Exit, Failure> {
        if json {
            terminal::print(&serde_json::to_string(self).map_err(|error| Failure::Output(error.into()))?)?;
        } else {
            terminal::print(&self.sentence())?;
        }
        Ok(if self.fits { Exit::Ok } else { Exit::Failed })
    }

    fn sentence(&self) -> String {
        match &self.remedy {
            _ if self.fits => {
                format!(
                    "It fits: {}. A receiver that says otherwise checks other bytes, or with another secret.",
                    self.explanation
                )
            }
            Some(remedy) => format!("It does not fit: {}. To do: {remedy}.", self.explanation),
            None => format!("It does not fit: {}.", self.explanation),
        }
    }
}

#[cfg(test)]
mod tests {
    use emulator::diagnose::Escape;

    use super::*;

    fn names() -> [String; 1] {
        ["the secret".to_owned()]
    }

    #[test]
    fn a_verdict_is_one_sentence_with_its_remedy() {
        let lost = Mistake::EscapesLost(vec![Escape::Slash]);
        let mistaken = Diagnosis::Mistaken { secret: 0, mistakes: vec![lost, Mistake::SpaceAdded] };
        let verdict = Verdict::new(mistaken, &names());
        assert_eq!(verdict.mistakes, ["escapes_lost", "space_added"]);
        assert_eq!(
            verdict.sentence(),
            "It does not fit: something parsed the JSON and wrote it anew (\\/ became /, white space was added); but for that \
             it fits the secret. To do: verify the raw bytes as they came, before anything parses them."
        );
        let fits = Verdict::new(Diagnosis::Fits { secret: 0 }, &names());
        assert!(fits.sentence().starts_with("It fits: the signature fits the body with the secret."));
    }

    #[test]
    fn what_nothing_explains_is_said_to_be_no_more_than_a_suspicion() {
        let verdict = Verdict::new(Diagnosis::Unexplained { clues: Vec::new() }, &names());
        assert!(verdict.sentence().contains("cannot be told apart"), "{}", verdict.sentence());
        let odd = Verdict::new(Diagnosis::Unexplained { clues: vec![Clue::Empty] }, &names());
        assert!(odd.sentence().contains("something read it before"), "{}", odd.sentence());
    }
}
