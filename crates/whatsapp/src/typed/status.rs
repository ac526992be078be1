//! What became of messages of the business.

use crate::outline::declare::{object, words};

use crate::typed::Error;

words! {
    /// What became of a message.
    tag MessageStatus {
        Sent "sent", Delivered "delivered", Read "read", Played "played", Failed "failed", Deleted "deleted",
        Warning "warning",
    }
}

words! {
    /// To what kind of receiver a message went.
    RecipientType { Group "group" }
}

words! {
    /// What a status is about.
    StatusType { Message "message" }
}

object! {
    /// What became of a message of the business.
    Status {
        /// The message's id.
        id: always MessageId;
        /// What became of it.
        status: always words(MessageStatus);
        /// When it happened.
        timestamp: always time_text;
        /// The user's phone number, or the group's id; left out where the user hides the number.
        recipient_id: maybe Phone;
        /// The user's business-scoped user id.
        recipient_user_id: maybe UserId;
        /// The user's id of linked portfolios.
        recipient_parent_user_id: maybe ParentUserId;
        /// The same under its name until May 2026.
        parent_recipient_user_id: maybe ParentUserId;
        /// The same as one of Meta's examples prints it.
        parent_user_id: maybe ParentUserId;
        /// `group` where the message went to a group.
        recipient_type: maybe words(RecipientType);
        /// The member of the group.
        recipient_participant_id: maybe Phone;
        /// The member of the group, by user id.
        recipient_participant_user_id: maybe UserId;
        /// The member of the group, by the user id of linked portfolios.
        recipient_participant_parent_user_id: maybe ParentUserId;
        /// The member of the group, in another spelling of Meta's.
        participant_recipient_id: maybe Phone;
        /// The member's user id, in another spelling of Meta's.
        participant_recipient_user_id: maybe UserId;
        /// The member's parent user id, in another spelling of Meta's.
        participant_recipient_parent_user_id: maybe ParentUserId;
        /// The member of the group, in a third spelling of Meta's.
        participant_id: maybe Phone;
        /// The member's user id, in a third spelling of Meta's.
        participant_user_id: maybe UserId;
        /// The member's parent user id, in a third spelling of Meta's.
        participant_parent_user_id: maybe ParentUserId;
        /// The group.
        group_id: maybe GroupId;
        /// Changes when the user's key changes; only where the identity check is on.
        recipient_identity_key_hash: maybe Hash;
        /// What the business gave when it sent the message.
        biz_opaque_callback_data: maybe Prose;
        /// The template of a Direct Send.
        template_id: maybe Digits;
        /// The conversation that was paid for (old pricing), or the free entry point.
        conversation: maybe object(Conversation);
        /// What it costs.
        pricing: maybe object(Pricing);
        /// Why it failed.
        errors: maybe list(Error);
        /// `message` (on-premises style).
        kind as "type": maybe words(StatusType);
    }
    by "status" {
        "sent";
        "delivered";
        "read";
        "played";
        "deleted";
        "failed" needs ["errors"];
        "warning" may ["errors"];
    }
}

words! {
    /// What kind of conversation it is.
    ConversationOriginType {
        Authentication "authentication", AuthenticationInternational "authentication_international",
        Marketing "marketing", MarketingLite "marketing_lite", ReferralConversion "referral_conversion",
        Service "service", Utility "utility", UserInitiated "user_initiated", BusinessInitiated "business_initiated",
        CustomerInitiated "customer_initiated",
    }
}

object! {
    /// A conversation of the old pricing, or a free entry point.
    Conversation {
        /// Its id.
        id: maybe Hash;
        /// When it ends; with `sent` only.
        expiration_timestamp: maybe time;
        /// How it began.
        origin: maybe object(ConversationOrigin);
        /// What it costs: the groups pages print it here.
        pricing: maybe object(Pricing);
    }
}

object! {
    /// How a conversation began.
    ConversationOrigin {
        /// What kind of conversation it is.
        kind as "type": always words(ConversationOriginType);
    }
}

words! {
    /// What is paid for.
    PricingModel { PerMessage "PMP", Conversation "CBP" }
}

words! {
    /// Whether a message is free, and why.
    PricingType {
        Regular "regular", FreeCustomerService "free_customer_service", FreeEntryPoint "free_entry_point",
        FreeGroupCustomerService "free_group_customer_service",
    }
}

words! {
    /// The rate that applies.
    PricingCategory {
        Authentication "authentication", AuthenticationInternational "authentication-international",
        Marketing "marketing", MarketingLite "marketing_lite", Utility "utility", Service "service",
        ReferralConversion "referral_conversion", GroupMarketing "group_marketing", GroupUtility "group_utility",
        GroupService "group_service", GeneralPurposeAi "general_purpose_ai", UserInitiated "user_initiated",
        BusinessInitiated "business_initiated", CustomerInitiated "customer_initiated",
    }
}

words! {
    /// A finer kind of price.
    PricingSubtype { PaidExempt "paid_exempt" }
}

object! {
    /// What a message costs. It comes with `sent` and with one of delivered and read.
    Pricing {
        /// True where it is charged; to be removed.
        billable: maybe flag;
        /// What is paid for: messages since July 2025, conversations before.
        pricing_model: always words(PricingModel);
        /// The rate that applies.
        category: always words(PricingCategory);
        /// Whether it is free, and why.
        kind as "type": maybe words(PricingType);
        /// A finer kind of price.
        subtype: maybe words(PricingSubtype);
    }
}
