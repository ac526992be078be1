//! What users decide, beside messages, and what Meta found in their conversations.

use crate::outline::declare::{object, words};

words! {
    /// What a user stopped, resumed or signed up for.
    PreferenceCategory { MarketingMessages "marketing_messages" }
}

words! {
    /// What a user decided.
    tag PreferenceValue { Stop "stop", Resume "resume", Signup "signup" }
}

object! {
    /// A user stopped or resumed marketing messages, or signed up for them.
    UserPreference {
        /// The user's phone number; left out where the user hides it.
        wa_id: maybe Phone;
        /// The user's business-scoped user id.
        user_id: maybe UserId;
        /// The user's id of linked portfolios.
        parent_user_id: maybe ParentUserId;
        /// The same as an English sentence.
        detail: always Prose;
        /// What it is about.
        category: always words(PreferenceCategory);
        /// What the user decided.
        value: always words(PreferenceValue);
        /// The sign-up.
        signup_id: maybe Digits;
        /// When it happened.
        timestamp: always time_number;
    }
}

object! {
    /// A user's business-scoped id changed.
    UserIdUpdate {
        /// The user's phone number; left out where the user hides it.
        wa_id: maybe Phone;
        /// The same as an English sentence.
        detail: always Prose;
        /// The old and the new user id.
        user_id: always object(UserIdChange);
        /// The old and the new user id of linked portfolios.
        parent_user_id: maybe object(ParentUserIdChange);
        /// When it happened.
        timestamp: always time_text;
    }
}

object! {
    /// An old and a new user id.
    UserIdChange {
        /// The old one.
        previous: always UserId;
        /// The new one.
        current: always UserId;
    }
}

object! {
    /// An old and a new user id of linked portfolios.
    ParentUserIdChange {
        /// The old one.
        previous: always ParentUserId;
        /// The new one.
        current: always ParentUserId;
    }
}

words! {
    /// What a user did with a message.
    tag UserActionType { LinkClick "marketing_messages_link_click", LandingPageView "landing_page_view" }
}

object! {
    /// A click, without any name of who clicked.
    UserAction {
        /// What the user did.
        action_type: always words(UserActionType);
        /// When it happened.
        timestamp: always time_text;
        /// The click, beside its data: seen in no sample.
        click_id: maybe Token;
        /// A click on a link of a marketing message.
        marketing_messages_link_click_data: maybe object(Click);
        /// A page that a click led to.
        landing_page_view_data: maybe object(Click);
    }
    by "action_type" {
        "marketing_messages_link_click" needs ["marketing_messages_link_click_data"];
        "landing_page_view" may ["landing_page_view_data"];
    }
}

words! {
    /// What was clicked.
    ClickComponent { Cta "cta", Body "body" }
}

object! {
    /// A click on a link of a marketing message.
    Click {
        /// What was clicked.
        click_component: maybe words(ClickComponent);
        /// The product.
        product_id: maybe Token;
        /// The click; also appended to the landing page's URL.
        click_id: always Token;
        /// Opaque.
        tracking_token: maybe Token;
    }
}

words! {
    /// What Meta found in a conversation.
    tag AutomaticEventName { LeadSubmitted "LeadSubmitted", Purchase "Purchase" }
}

object! {
    /// A lead or a purchase that Meta found in a conversation that an ad began.
    AutomaticEvent {
        /// The message in which it was found.
        id: always MessageId;
        /// What was found.
        event_name: always words(AutomaticEventName);
        /// When it happened.
        timestamp: always time_number;
        /// The click that the conversation began with; absent for ads in WhatsApp Status.
        ctwa_clid: maybe Token;
        /// What was bought for how much.
        custom_data: maybe object(PurchaseData);
    }
    by "event_name" { "Purchase" needs ["custom_data"]; "LeadSubmitted"; }
}

object! {
    /// What was bought for how much.
    PurchaseData {
        /// The currency.
        currency: always Currency;
        /// The price times 1000.
        value: always number;
    }
}

words! {
    /// What was tracked.
    tag TrackingEventName { Sent "sent" }
}

object! {
    /// A tracked event of a marketing message. Known from a sample only.
    TrackingEvent {
        /// What was tracked.
        event_name: always words(TrackingEventName);
        /// When it happened.
        timestamp: always time_number;
        /// What it was tracked by.
        tracking_data: maybe object(TrackingData);
    }
}

object! {
    /// What an event was tracked by.
    TrackingData {
        /// The click.
        click_id: maybe Token;
        /// Opaque.
        tracking_token: maybe Token;
    }
}
