//! The usual mistakes, each with what happened and what to do about it.

use std::fmt;

/// What was done to a header, a secret or a body before the signature was checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Mistake {
    /// The older header, `X-Hub-Signature`.
    Sha1,
    /// Digits without `sha256=`.
    NoPrefix,
    /// Digits or prefix in upper case.
    UpperCase,
    /// Quotes around the header.
    HeaderQuoted,
    /// White space around the secret that was given.
    SecretPadded,
    /// Quotes around the secret that was given.
    SecretQuoted,
    /// The signer's secret ended in a newline.
    SignedWithNewline,
    /// The signer decoded the secret's hexadecimal digits.
    SignedWithDecodedHex,
    /// White space between the parts of the JSON was added.
    SpaceAdded,
    /// White space between the parts of the JSON was removed or changed.
    SpaceLost,
    /// The body no longer has these escapes.
    EscapesLost(Vec<Escape>),
    /// The body has escapes that it did not have.
    EscapesAdded(Vec<Escape>),
    /// Hexadecimal digits of `\u` escapes changed their case.
    EscapesRecased,
    /// A newline at the end was added.
    NewlineAdded,
    /// A newline at the end was lost.
    NewlineLost,
    /// A byte order mark was added.
    MarkAdded,
    /// A byte order mark was lost.
    MarkLost,
    /// Line ends became CR LF.
    CrAdded,
    /// Line ends lost their CR.
    CrLost,
    /// The bytes were read as Latin-1 and written as UTF-8.
    ReadAsLatin1,
    /// The bytes were written as Latin-1.
    WrittenAsLatin1,
}

/// A kind of escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Escape {
    /// What is not ASCII, as `\u00eb`.
    Unicode,
    /// `/` as `\/`.
    Slash,
    /// `<` as `\u003C`.
    Less,
    /// `%` as `\u0025`.
    Percent,
    /// `@` as `\u0040`.
    At,
}

/// What is odd about a body whose signature nothing explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clue {
    /// It is empty.
    Empty,
    /// Characters were lost for good.
    ReplacementCharacters,
    /// It is not valid UTF-8.
    NotUtf8,
    /// It is not whole JSON.
    NotJson,
}

impl Mistake {
    /// A stable word for it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sha1 => "sha1_header",
            Self::NoPrefix => "prefix_missing",
            Self::UpperCase => "upper_case",
            Self::HeaderQuoted => "header_quoted",
            Self::SecretPadded => "secret_padded",
            Self::SecretQuoted => "secret_quoted",
            Self::SignedWithNewline => "signed_with_newline",
            Self::SignedWithDecodedHex => "signed_with_decoded_hex",
            Self::SpaceAdded => "space_added",
            Self::SpaceLost => "space_lost",
            Self::EscapesLost(_) => "escapes_lost",
            Self::EscapesAdded(_) => "escapes_added",
            Self::EscapesRecased => "escapes_recased",
            Self::NewlineAdded => "newline_added",
            Self::NewlineLost => "newline_lost",
            Self::MarkAdded => "bom_added",
            Self::MarkLost => "bom_lost",
            Self::CrAdded => "crlf_added",
            Self::CrLost => "crlf_lost",
            Self::ReadAsLatin1 => "read_as_latin1",
            Self::WrittenAsLatin1 => "written_as_latin1",
        }
    }

    /// True for what happens when a JSON library reads a body and writes it again.
    #[must_use]
    pub const fn is_rewriting(&self) -> bool {
        matches!(
            self,
            Self::SpaceAdded | Self::SpaceLost | Self::EscapesLost(_) | Self::EscapesAdded(_) | Self::EscapesRecased
        )
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Sha1 => "check the header X-Hub-Signature-256 instead of X-Hub-Signature",
            Self::NoPrefix => "give the whole header, with `sha256=` in front of the digits",
            Self::UpperCase => "write prefix and digits in lower case, as Meta does, before they are compared",
            Self::HeaderQuoted => "remove the quotes from the header",
            Self::SecretPadded => "remove the white space from the secret that the receiver checks with",
            Self::SecretQuoted => "remove the quotes from the secret that the receiver checks with",
            Self::SignedWithNewline => "remove the newline from the sender's secret (`printf %s`, not `echo`)",
            Self::SignedWithDecodedHex => "use the app secret's text as the key where it is signed: it is not decoded",
            Self::SpaceAdded
            | Self::SpaceLost
            | Self::EscapesLost(_)
            | Self::EscapesAdded(_)
            | Self::EscapesRecased => "verify the raw bytes as they came, before anything parses them",
            Self::NewlineAdded | Self::NewlineLost | Self::CrAdded | Self::CrLost => {
                "pass on the raw bytes, not lines of text"
            }
            Self::MarkAdded | Self::MarkLost | Self::ReadAsLatin1 | Self::WrittenAsLatin1 => {
                "verify the raw bytes, before anything decodes them into text"
            }
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Sha1 => "this is the older SHA-1 signature",
            Self::NoPrefix => "the prefix `sha256=` is missing",
            Self::UpperCase => "the signature is in upper case",
            Self::HeaderQuoted => "the signature stands in quotes",
            Self::SecretPadded => "the secret has white space around it",
            Self::SecretQuoted => "the secret stands in quotes",
            Self::SignedWithNewline => "the sender's secret ends in a newline",
            Self::SignedWithDecodedHex => "the sender decoded the secret's hexadecimal digits",
            Self::SpaceAdded => "white space was added",
            Self::SpaceLost => "white space was removed or changed",
            Self::EscapesLost(kinds) => return f.write_str(&list(kinds, Escape::lost)),
            Self::EscapesAdded(kinds) => return f.write_str(&list(kinds, Escape::added)),
            Self::EscapesRecased => "the digits of \\u escapes changed their case",
            Self::NewlineAdded => "a newline was added at the end",
            Self::NewlineLost => "the newline at the end was lost",
            Self::MarkAdded => "a byte order mark was added",
            Self::MarkLost => "the byte order mark was lost",
            Self::CrAdded => "line ends became CR LF",
            Self::CrLost => "line ends lost their CR",
            Self::ReadAsLatin1 => "the body was decoded as Latin-1 and encoded as UTF-8",
            Self::WrittenAsLatin1 => "the body was encoded as Latin-1",
        };
        f.write_str(text)
    }
}

impl Escape {
    const fn lost(self) -> &'static str {
        match self {
            Self::Unicode => "\\u00eb became ë (and the like)",
            Self::Slash => "\\/ became /",
            Self::Less => "\\u003C became <",
            Self::Percent => "\\u0025 became %",
            Self::At => "\\u0040 became @",
        }
    }

    const fn added(self) -> &'static str {
        match self {
            Self::Unicode => "ë became \\u00eb (and the like)",
            Self::Slash => "/ became \\/",
            Self::Less => "< became \\u003C",
            Self::Percent => "% became \\u0025",
            Self::At => "@ became \\u0040",
        }
    }
}

fn list(kinds: &[Escape], word: impl Fn(Escape) -> &'static str) -> String {
    kinds.iter().map(|kind| word(*kind)).collect::<Vec<_>>().join(", ")
}

impl Clue {
    /// A stable word for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::ReplacementCharacters => "replacement_characters",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
        }
    }
}

impl fmt::Display for Clue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the body is empty: something read it before it was kept",
            Self::ReplacementCharacters => {
                "the body has U+FFFD in it: something decoded it wrongly, and those characters are lost"
            }
            Self::NotUtf8 => "the body is not valid UTF-8, and Meta sends ASCII: something recoded or compressed it",
            Self::NotJson => "the body is not whole JSON: it was cut off or changed",
        })
    }
}
