//! The macros that declare an object or a set of words: one text gives the typed value, its reader and its outline.
//!
//! A member is `name: presence kind;`, with `as "name"` where the JSON name is no Rust name. The presence is `always`,
//! `maybe` or `maybe_null`. The kind is a [`crate::outline::Form`] for texts, or one of the words of [`kind!`].

/// The Rust type of a member.
macro_rules! field {
    (time) => { Option<crate::typed::Time> };
    (time_text) => { Option<crate::typed::Time> };
    (time_number) => { Option<crate::typed::Time> };
    (integer) => { Option<i64> };
    (integer_or_text) => { Option<i64> };
    (number) => { Option<f64> };
    (flag) => { Option<bool> };
    (number_id) => { Option<std::borrow::Cow<'a, str>> };
    (mixed($form:ident)) => { Option<std::borrow::Cow<'a, str>> };
    (words($words:ident)) => { Option<$words<'a>> };
    (words_list($words:ident)) => { Vec<$words<'a>> };
    (texts($form:ident)) => { Vec<std::borrow::Cow<'a, str>> };
    (object($outline:ident)) => { Option<Box<$outline<'a>>> };
    (list($outline:ident)) => { Vec<$outline<'a>> };
    (map($form:ident)) => { Option<crate::typed::Raw<'a>> };
    (word_or_words($words:ident)) => { Vec<$words<'a>> };
    (any($why:literal)) => { Option<crate::typed::Raw<'a>> };
    ($form:ident) => { Option<std::borrow::Cow<'a, str>> };
}
pub(crate) use field;

/// What the outline says of a member.
macro_rules! kind {
    (time) => {
        crate::outline::Kind::Time(crate::outline::Spelling::Either)
    };
    (time_text) => {
        crate::outline::Kind::Time(crate::outline::Spelling::Quoted)
    };
    (time_number) => {
        crate::outline::Kind::Time(crate::outline::Spelling::Plain)
    };
    (integer) => {
        crate::outline::Kind::Integer(crate::outline::Spelling::Plain)
    };
    (integer_or_text) => {
        crate::outline::Kind::Integer(crate::outline::Spelling::Either)
    };
    (number) => {
        crate::outline::Kind::Number(crate::outline::Spelling::Plain)
    };
    (flag) => {
        crate::outline::Kind::Flag
    };
    (number_id) => {
        crate::outline::Kind::NumberId
    };
    (mixed($form:ident)) => {
        crate::outline::Kind::Mixed(crate::outline::Form::$form)
    };
    (words($words:ident)) => {
        crate::outline::Kind::Words(&$words::WORDS)
    };
    (words_list($words:ident)) => {
        crate::outline::Kind::List(&crate::outline::Kind::Words(&$words::WORDS))
    };
    (texts($form:ident)) => {
        crate::outline::Kind::List(&crate::outline::Kind::Text(crate::outline::Form::$form))
    };
    (object($outline:ident)) => {
        crate::outline::Kind::Object(&$outline::OUTLINE)
    };
    (list($outline:ident)) => {
        crate::outline::Kind::List(&crate::outline::Kind::Object(&$outline::OUTLINE))
    };
    (map($form:ident)) => {
        crate::outline::Kind::Map(&crate::outline::Kind::Text(crate::outline::Form::$form))
    };
    (word_or_words($words:ident)) => {
        crate::outline::Kind::OneOrMany(&crate::outline::Kind::Words(&$words::WORDS))
    };
    (any($why:literal)) => {
        crate::outline::Kind::Any($why)
    };
    ($form:ident) => {
        crate::outline::Kind::Text(crate::outline::Form::$form)
    };
}
pub(crate) use kind;

/// Whether a member is there.
macro_rules! presence {
    (always) => {
        crate::outline::Presence::Always
    };
    (maybe) => {
        crate::outline::Presence::Maybe
    };
    (maybe_null) => {
        crate::outline::Presence::MaybeNull
    };
}
pub(crate) use presence;

/// The JSON name of a member.
macro_rules! wire {
    ($name:ident $wire:literal) => {
        $wire
    };
    ($name:ident) => {
        stringify!($name)
    };
}
pub(crate) use wire;

/// Declares an object: the struct, its reader and its outline.
macro_rules! object {
    (
        $(#[doc = $doc:literal])*
        $type:ident {
            $(
                $(#[doc = $member_doc:literal])*
                $name:ident $(as $wire:literal)? : $presence:ident $kind:ident $(($argument:tt))? ;
            )*
        }
        $(needs [$($($need:literal)|+),*])?
        $(by $tag:literal $(shared [$($shared:literal),*])? {
            $( $word:literal $(needs [$($($case_need:literal)|+),*])? $(may [$($may:literal),*])? ; )*
        })?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $type<'a> {
            $(
                $(#[doc = $member_doc])*
                pub $name: crate::outline::declare::field!($kind $(($argument))?),
            )*
            /// Members that nobody knows, and known ones that are of another type than ever seen.
            pub other: crate::typed::Others<'a>,
        }

        impl $type<'_> {
            /// What is known of this object.
            pub const OUTLINE: crate::outline::Outline = crate::outline::Outline {
                name: stringify!($type),
                doc: &[$($doc),*],
                members: &[$(
                    crate::outline::Member {
                        name: crate::outline::declare::wire!($name $($wire)?),
                        doc: &[$($member_doc),*],
                        presence: crate::outline::declare::presence!($presence),
                        kind: crate::outline::declare::kind!($kind $(($argument))?),
                    },
                )*],
                needs: &[$($(&[$($need),+]),*)?],
                tag: crate::outline::declare::object!(@tag $($tag)?),
                cases: &[$($(
                    crate::outline::Case {
                        word: $word,
                        needs: &[$($(&[$($case_need),+]),*)?],
                        may: &[$($($may),*)?],
                    },
                )*)?],
                shared: &[$($($($shared),*)?)?],
            };
        }

        impl<'a> $type<'a> {
            /// Reads an object; `None` where the text is no JSON object.
            #[must_use]
            pub fn read(json: &'a str) -> Option<Self> {
                crate::json::Tape::read(json).and_then(|tape| crate::typed::Typed::from_json(tape.root()))
            }
        }

        impl<'a> crate::typed::Element<'a> for $type<'a> {
            fn from_element(json: crate::json::Json<'_, 'a>) -> Option<Self> {
                crate::typed::Typed::from_json(json)
            }
        }

        impl<'a> crate::typed::Typed<'a> for $type<'a> {
            fn from_json(json: crate::json::Json<'_, 'a>) -> Option<Self> {
                let mut read = Self::default();
                for member in json.object()?.members() {
                    let understood = match member.name().as_ref() {
                        $(
                            crate::outline::declare::wire!($name $($wire)?) => {
                                crate::typed::Slot::fill(&mut read.$name, member.value)
                            }
                        )*
                        _ => false,
                    };
                    if !understood {
                        read.other.keep(&member);
                    }
                }
                Some(read)
            }
        }
    };
    (@tag) => { None };
    (@tag $tag:literal) => { Some($tag) };
}
pub(crate) use object;

/// Declares a set of words: the enum and what is known of it. A `tag` set is a part of the event's type.
macro_rules! words {
    ($(#[doc = $doc:literal])* tag $type:ident { $($variant:ident $word:literal),* $(,)? }) => {
        crate::outline::declare::words!(@both true; [$($doc)*] $type { $($variant $word),* });
    };
    ($(#[doc = $doc:literal])* $type:ident { $($variant:ident $word:literal),* $(,)? }) => {
        crate::outline::declare::words!(@both false; [$($doc)*] $type { $($variant $word),* });
    };
    (@both $tag:literal; [$($doc:literal)*] $type:ident { $($variant:ident $word:literal),* }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $type<'a> {
            $(
                #[doc = concat!("`", $word, "`")]
                $variant,
            )*
            /// A word that is not in the set yet, as Meta wrote it.
            Unknown(std::borrow::Cow<'a, str>),
        }

        impl<'a> $type<'a> {
            /// What is known of these words.
            pub const WORDS: crate::outline::Words = crate::outline::Words {
                name: stringify!($type),
                doc: &[$($doc),*],
                words: &[$($word),*],
                is_tag: $tag,
            };

            /// Reads a word, however it is spelled.
            #[must_use]
            pub fn from_word(word: std::borrow::Cow<'a, str>) -> Self {
                $(
                    if crate::outline::same_word(&word, $word) {
                        return Self::$variant;
                    }
                )*
                Self::Unknown(word)
            }

            /// The word in Meta's spelling.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Unknown(word) => word,
                }
            }
        }

        impl<'a> crate::typed::Element<'a> for $type<'a> {
            fn from_element(json: crate::json::Json<'_, 'a>) -> Option<Self> {
                json.word().map(Self::from_word)
            }
        }

        impl<'a> crate::typed::Slot<'a> for Option<$type<'a>> {
            fn fill(&mut self, json: crate::json::Json<'_, 'a>) -> bool {
                crate::typed::put(self, json, |json| json.word().map($type::from_word))
            }
        }
    };
}
pub(crate) use words;
