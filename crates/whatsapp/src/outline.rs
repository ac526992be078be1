//! What is known of Meta's JSON, written down once: which members an object has, what each of them means, of which kind
//! it is and whether it is always there.
//!
//! The typed values ([`crate::typed`]), the JSON Schemas ([`crate::schema`]), the drift check behind
//! [`crate::Event::problems`] and the generators all follow from the same outlines. They are static: looking at one
//! costs nothing.

pub(crate) mod declare;

/// What is known of one kind of object.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outline {
    /// The name of the typed value, and of the definition in a schema.
    pub name: &'static str,
    /// What it is, line by line.
    pub doc: &'static [&'static str],
    /// Its members, in the order in which Meta's pages print them.
    pub members: &'static [Member],
    /// Of each of these sets of members at least one is there.
    pub needs: &'static [&'static [&'static str]],
    /// The member whose word says which of the [`Outline::cases`] it is.
    pub tag: Option<&'static str>,
    /// What the tag's word demands.
    pub cases: &'static [Case],
    /// Members that some case needs and that others can have all the same.
    pub shared: &'static [&'static str],
}

impl Outline {
    /// The member of this name.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The case of this word, however it is spelled.
    #[must_use]
    pub fn case(&self, word: &str) -> Option<&'static Case> {
        self.cases.iter().find(|case| same_word(case.word, word))
    }

    /// True for a member that this case can have. A member that some case names belongs to the cases that name it; any
    /// other belongs to all.
    #[must_use]
    pub fn allows(&self, case: Option<&Case>, member: &str) -> bool {
        let is_of_some = || self.cases.iter().any(|case| case.names(member));
        case.is_none_or(|case| case.names(member) || self.shared.contains(&member) || !is_of_some())
    }
}

/// One member of an object.
#[derive(Debug)]
#[non_exhaustive]
pub struct Member {
    /// Its name in JSON.
    pub name: &'static str,
    /// What it means, line by line.
    pub doc: &'static [&'static str],
    /// Whether it is there.
    pub presence: Presence,
    /// What stands in it.
    pub kind: Kind,
}

impl Member {
    /// True for a member without which Meta has never been seen to send the object.
    #[must_use]
    pub fn is_always_there(&self) -> bool {
        self.presence == Presence::Always
    }
}

/// Whether a member is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// Always.
    Always,
    /// Sometimes.
    Maybe,
    /// Sometimes, and sometimes it is `null`.
    MaybeNull,
}

/// What one word of the tag demands.
#[derive(Debug)]
#[non_exhaustive]
pub struct Case {
    /// The word.
    pub word: &'static str,
    /// Of each of these sets of members at least one is there.
    pub needs: &'static [&'static [&'static str]],
    /// Members that can be there besides.
    pub may: &'static [&'static str],
}

impl Case {
    fn names(&self, member: &str) -> bool {
        self.may.contains(&member) || self.needs.iter().any(|need| need.contains(&member))
    }
}

/// What stands in a member.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Kind {
    /// A string.
    Text(Form),
    /// A string in one place of Meta's and an integer in another.
    Mixed(Form),
    /// An id that Meta writes as an integer. It is read as text, so that nothing is rounded.
    NumberId,
    /// Unix seconds.
    Time(Spelling),
    /// A whole number.
    Integer(Spelling),
    /// A number.
    Number(Spelling),
    /// `true` or `false`.
    Flag,
    /// One of a set of words, as a string. The set grows.
    Words(&'static Words),
    /// An object.
    Object(&'static Outline),
    /// An array whose elements are all of one kind.
    List(&'static Kind),
    /// An object whose members have names of the sender's own, and are all of one kind.
    Map(&'static Kind),
    /// A value of one kind, or an array of such values.
    OneOrMany(&'static Kind),
    /// Anything, with the reason why no more can be said.
    Any(&'static str),
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spelling {
    /// As a string of digits.
    Quoted,
    /// As a JSON number.
    Plain,
    /// As one here and as the other there.
    Either,
}

impl Spelling {
    /// True where a string is one of Meta's spellings.
    #[must_use]
    pub fn allows_text(self) -> bool {
        self != Self::Plain
    }

    /// True where a number is one of Meta's spellings.
    #[must_use]
    pub fn allows_number(self) -> bool {
        self != Self::Quoted
    }
}

/// What a text looks like. Nothing is refused for looking otherwise; it guides readers and the generators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// A sentence or a name, as people write it; can be empty.
    Prose,
    /// A phone number, mostly digits.
    Phone,
    /// The business number for display.
    Display,
    /// A business-scoped user id.
    UserId,
    /// The user id of linked portfolios.
    ParentUserId,
    /// A name that the user or business chose on WhatsApp.
    Username,
    /// `wamid.…`
    MessageId,
    /// `wacid.…`
    CallId,
    /// Id of a group.
    GroupId,
    /// An id of digits.
    Digits,
    /// Any other id or opaque word.
    Token,
    /// A link, sometimes relative.
    Url,
    /// A checksum.
    Hash,
    /// A media type, with or without parameters.
    Mime,
    /// A language code.
    Language,
    /// A country code.
    Country,
    /// A currency code.
    Currency,
    /// A date, in one of several spellings.
    Date,
    /// A month, `YYYY-MM`.
    Month,
    /// A time of day, `HHMM`.
    Clock,
    /// JSON inside a string.
    Json,
    /// A count, or the name of a tier.
    Limit,
}

impl Form {
    /// True for names of things, which an empty text cannot be.
    #[must_use]
    pub fn names_a_thing(self) -> bool {
        !matches!(self, Self::Prose | Self::Json | Self::Date | Self::Limit)
    }
}

/// A set of words.
#[derive(Debug)]
#[non_exhaustive]
pub struct Words {
    /// The name of the typed value.
    pub name: &'static str,
    /// What the words say, line by line.
    pub doc: &'static [&'static str],
    /// The words, in Meta's spelling.
    pub words: &'static [&'static str],
    /// True where the word is a part of the event's type.
    pub is_tag: bool,
}

impl Words {
    /// True when the word is one of the set, however it is spelled.
    #[must_use]
    pub fn contains(&self, word: &str) -> bool {
        self.words.contains(&word) || self.words.iter().any(|known| same_word(known, word))
    }
}

/// Meta's pages spell one word in capitals and not, with a space, a hyphen or an underscore.
pub(crate) fn same_word(one: &str, other: &str) -> bool {
    let fold = |byte: u8| if matches!(byte, b' ' | b'-') { b'_' } else { byte.to_ascii_lowercase() };
    one.len() == other.len() && one.bytes().map(fold).eq(other.bytes().map(fold))
}

/// What is known of the data of events of this type; `None` where nothing is published. A new type has the outline of its
/// siblings.
#[must_use]
pub fn of_type(event_type: &str) -> Option<&'static Outline> {
    crate::typed::Family::of_type(event_type).map(crate::typed::Family::outline)
}

/// Joins the lines of a description.
#[must_use]
pub fn sentence(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_has_many_spellings() {
        assert!(same_word("LEGAL NAME NOT MATCHING", "LEGAL_NAME_NOT_MATCHING"));
        assert!(same_word("authentication-international", "AUTHENTICATION_international"));
        assert!(!same_word("sent", "sent2"));
    }
}
