//! Objects that occur in many values.

use crate::outline::declare::{object, words};

object! {
    /// The business number that a value is about.
    Metadata {
        /// The business number for display: mostly digits, formatted in some accounts.
        display_phone_number: always Display;
        /// Id of the business number.
        phone_number_id: always Digits;
    }
}

object! {
    /// A person whom a value names. Match it to an element by id, never by position.
    Profile {
        /// What the person calls itself.
        profile: maybe object(ProfileName);
        /// Normally the phone number; left out where the person hides it.
        wa_id: maybe Phone;
        /// The business-scoped user id.
        user_id: maybe UserId;
        /// The user id of linked portfolios.
        parent_user_id: maybe ParentUserId;
        /// Changes when the person's key changes; only where the identity check is on.
        identity_key_hash: maybe Hash;
    }
}

object! {
    /// What a person calls itself.
    ProfileName {
        /// The name that the person chose.
        name: maybe Prose;
        /// The username, if the person adopted one; with or without `@`.
        username: maybe Username;
    }
}

object! {
    /// What went wrong.
    Error {
        /// The number that stands for it: build logic on this.
        code: always integer_or_text;
        /// The error's name.
        title: maybe Prose;
        /// The same text as the title.
        message: maybe Prose;
        /// More about it.
        error_data: maybe object(ErrorData);
        /// The sentence of `error_data`, in the shape of 2022.
        details: maybe Prose;
        /// Where it is explained; absolute or relative.
        href: maybe Url;
    }
}

object! {
    /// More about an error.
    ErrorData {
        /// The useful sentence.
        details: maybe Prose;
    }
}

object! {
    /// The message that a message answers, or how often it was passed on.
    Context {
        /// Who wrote the quoted message: the display number, or the number's id.
        from: maybe Phone;
        /// The quoted message; a call's id for an automatic call permission.
        id: maybe MessageId;
        /// True for a message that was forwarded up to five times.
        forwarded: maybe flag;
        /// True for a message that was forwarded more than five times.
        frequently_forwarded: maybe flag;
        /// The product that is asked about.
        referred_product: maybe object(ReferredProduct);
    }
}

object! {
    /// A product in a catalogue.
    ReferredProduct {
        /// The catalogue.
        catalog_id: always Digits;
        /// The product in it.
        product_retailer_id: always Token;
    }
}

words! {
    /// Where a conversation began.
    ReferralSource { Ad "ad", Post "post" }
}

words! {
    /// What an ad shows.
    ReferralMedia { Image "image", Video "video" }
}

object! {
    /// The ad or post that a conversation began with.
    Referral {
        /// The ad or post.
        source_url: always Url;
        /// Its id.
        source_id: always Digits;
        /// Which of the two it is.
        source_type: always words(ReferralSource);
        /// Its text.
        body: always Prose;
        /// Its headline.
        headline: always Prose;
        /// What it shows.
        media_type: always words(ReferralMedia);
        /// Its image.
        image_url: maybe Url;
        /// Its video.
        video_url: maybe Url;
        /// A still of the video.
        thumbnail_url: maybe Url;
        /// The click, for the Conversions API; not for ads in WhatsApp Status.
        ctwa_clid: maybe Token;
        /// The greeting that the ad shows.
        welcome_message: maybe object(WelcomeMessage);
        /// Word of a welcome message sequence.
        reference as "ref": maybe Token;
    }
}

object! {
    /// The greeting that an ad shows.
    WelcomeMessage {
        /// Its text.
        text: maybe Prose;
    }
}

words! {
    /// What kind of context it is.
    ConversationContextType { Summary "summary" }
}

object! {
    /// What an agent says about the conversation so far.
    ConversationContext {
        /// What kind of context it is.
        kind as "type": always words(ConversationContextType);
        /// The summary.
        summary: maybe object(ConversationSummary);
    }
    by "type" { "summary" needs ["summary"]; }
}

object! {
    /// A summary of a conversation.
    ConversationSummary {
        /// Its text.
        text: always Prose;
    }
}
