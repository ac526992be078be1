//! Message templates.

use crate::outline::declare::{object, words};

words! {
    /// What a button of a template does.
    TemplateButtonType {
        Catalog "CATALOG", CopyCode "COPY_CODE", Extension "EXTENSION", Flow "FLOW", Mpm "MPM",
        OrderDetails "ORDER_DETAILS", Otp "OTP", PhoneNumber "PHONE_NUMBER", Postback "POSTBACK",
        QuickReply "QUICK_REPLY", Reminder "REMINDER", SendLocation "SEND_LOCATION", Spm "SPM", Url "URL",
        VoiceCall "VOICE_CALL",
    }
}

object! {
    /// A template was edited: its parts as they are now.
    TemplateComponentsUpdate {
        /// The template.
        message_template_id: always number_id;
        /// Its name.
        message_template_name: always Prose;
        /// Its language: `en`, `en_US`, in some examples `en-US`.
        message_template_language: always Language;
        /// The body.
        message_template_element: always Prose;
        /// The header, if it is a text.
        message_template_title: maybe Prose;
        /// The footer.
        message_template_footer: maybe Prose;
        /// The buttons.
        message_template_buttons: maybe list(TemplateButton);
    }
}

object! {
    /// A button of a template.
    TemplateButton {
        /// What it does.
        message_template_button_type: always words(TemplateButtonType);
        /// Its label.
        message_template_button_text: always Prose;
        /// Where it leads.
        message_template_button_url: maybe Url;
        /// Whom it calls.
        message_template_button_phone_number: maybe Phone;
    }
}

words! {
    /// How users like a template.
    tag QualityScore { Green "GREEN", Yellow "YELLOW", Red "RED", NotRated "UNKNOWN" }
}

object! {
    /// A template's quality score changed.
    TemplateQualityUpdate {
        /// The score before.
        previous_quality_score: always words(QualityScore);
        /// The score now.
        new_quality_score: always words(QualityScore);
        /// The template.
        message_template_id: always number_id;
        /// Its name.
        message_template_name: always Prose;
        /// Its language.
        message_template_language: always Language;
    }
}

words! {
    /// What became of a template.
    tag TemplateEvent {
        Approved "APPROVED", Archived "ARCHIVED", Unarchived "UNARCHIVED", Deleted "DELETED", Disabled "DISABLED",
        Flagged "FLAGGED", InAppeal "IN_APPEAL", LimitExceeded "LIMIT_EXCEEDED", Locked "LOCKED", Paused "PAUSED",
        Pending "PENDING", PendingDeletion "PENDING_DELETION", Reinstated "REINSTATED", Rejected "REJECTED",
    }
}

words! {
    /// What a template is for.
    TemplateCategory { Marketing "MARKETING", Utility "UTILITY", Authentication "AUTHENTICATION" }
}

words! {
    /// Why a template was refused.
    TemplateReason {
        None "NONE", AbusiveContent "ABUSIVE_CONTENT", IncorrectCategory "INCORRECT_CATEGORY",
        InvalidFormat "INVALID_FORMAT", Promotional "PROMOTIONAL", Scam "SCAM",
        TagContentMismatch "TAG_CONTENT_MISMATCH", CategoryNotAvailable "CATEGORY_NOT_AVAILABLE",
    }
}

object! {
    /// A template was approved, refused, paused, disabled, archived or deleted.
    TemplateStatusUpdate {
        /// What became of it.
        event: always words(TemplateEvent);
        /// The template.
        message_template_id: always number_id;
        /// Its name.
        message_template_name: always Prose;
        /// Its language.
        message_template_language: always Language;
        /// What it is for; missing in older shapes.
        message_template_category: maybe words(TemplateCategory);
        /// Why it was refused; `NONE`, null or missing where it was not.
        reason: maybe_null words(TemplateReason);
        /// When it is disabled.
        disable_info: maybe object(DisableInfo);
        /// More about a pause or its end.
        other_info: maybe object(OtherInfo);
        /// What to do about a refusal.
        rejection_info: maybe object(RejectionInfo);
    }
    by "event" {
        "FLAGGED" may ["disable_info"];
        "DISABLED" may ["disable_info", "other_info"];
        "PAUSED" may ["other_info"];
        "LOCKED" may ["other_info"];
        "APPROVED" may ["other_info"];
        "REJECTED" may ["rejection_info"];
        "ARCHIVED";
        "UNARCHIVED";
        "DELETED";
        "IN_APPEAL";
        "LIMIT_EXCEEDED";
        "PENDING";
        "PENDING_DELETION";
        "REINSTATED";
    }
}

object! {
    /// When a template is disabled.
    DisableInfo {
        /// Unix seconds as a number or a text, or a date as people write it.
        disable_date: always mixed(Date);
    }
}

words! {
    /// What happened to a template, in short.
    OtherInfoTitle {
        FirstPause "FIRST_PAUSE", SecondPause "SECOND_PAUSE", RateLimitingPause "RATE_LIMITING_PAUSE",
        Unpause "UNPAUSE", Disabled "DISABLED",
    }
}

object! {
    /// More about a pause or its end.
    OtherInfo {
        /// What happened, in short.
        title: always words(OtherInfoTitle);
        /// What happened, as an English sentence.
        description: maybe Prose;
    }
}

object! {
    /// What to do about a refusal.
    RejectionInfo {
        /// Why, as an English sentence.
        reason: always Prose;
        /// What to do, as an English sentence.
        recommendation: always Prose;
    }
}

words! {
    /// Whether a change of category can be appealed.
    CategoryAppeal { Eligible "ELIGIBLE" }
}

object! {
    /// A template gets another category, or got it.
    TemplateCategoryUpdate {
        /// The template.
        message_template_id: always number_id;
        /// Its name.
        message_template_name: always Prose;
        /// Its language.
        message_template_language: always Language;
        /// The category before; only once the change is complete.
        previous_category: maybe words(TemplateCategory);
        /// The category now.
        new_category: always words(TemplateCategory);
        /// The category that it will get; only before the change.
        correct_category: maybe words(TemplateCategory);
        /// When it will get it; only before the change.
        category_update_timestamp: maybe time_number;
        /// Undocumented; in a sample.
        category_appeal_status: maybe words(CategoryAppeal);
    }
}

object! {
    /// Meta thinks that a Direct Send message belongs to another category. Nothing changes by itself.
    TemplateCategoryDetection {
        /// The template.
        message_template_id: always number_id;
        /// Its name, made by Meta.
        message_template_name: always Prose;
        /// Its language.
        message_template_language: always Language;
        /// The category that it was sent with.
        category: always words(TemplateCategory);
        /// The category that it belongs to.
        correct_category: always words(TemplateCategory);
    }
}
