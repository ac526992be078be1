//! The forms: which of Meta's members becomes which of 8x8's, in 8x8's order. What 8x8 documents is marked; the rest is the
//! extension.

use crate::json::{Json, Object};

/// How a value is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Same,
    /// Unix seconds become a moment.
    Time,
    /// The word of an account event.
    Event,
    /// Why a template has its status: `NONE` where it is approved and Meta says nothing.
    Reason,
    /// Texts lose their spaces.
    Underscored,
    Object(&'static [Rule]),
    List(&'static [Rule]),
}

/// One member.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) how: How,
    pub(super) documented: bool,
}

/// The form of one kind of event.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) event_type: &'static str,
    /// Members of `eventDetails`.
    pub(super) details: &'static [Rule],
    /// Members of `eventDetails.meta`, which then takes what no rule names as well.
    pub(super) meta: Option<&'static [Rule]>,
    documented: Documented,
}

/// Which events of a form 8x8 documents.
#[derive(Debug)]
enum Documented {
    All,
    None,
    /// Those whose `event` is one of these.
    Events(&'static [&'static str]),
}

impl Form {
    pub(super) fn is_documented(&self, value: &Object<'_, '_>) -> bool {
        match self.documented {
            Documented::All => true,
            Documented::None => false,
            Documented::Events(known) => {
                let event = value.some("event").and_then(Json::word);
                event.is_some_and(|event| known.contains(&event.as_ref()))
            }
        }
    }
}

/// The form of an event type, where it has one.
pub(super) fn form(event_type: &str) -> Option<&'static Form> {
    let (family, rest) = event_type.split_once('.').unwrap_or((event_type, ""));
    match (family, rest) {
        ("account_update", _) => Some(&ACCOUNT),
        ("message_template_status_update", _) => Some(&TEMPLATE_STATUS),
        ("message_template_quality_update", _) => Some(&TEMPLATE_QUALITY),
        ("template_category_update", "impending") => Some(&TEMPLATE_CATEGORY_AHEAD),
        ("template_category_update", _) => Some(&TEMPLATE_CATEGORY),
        ("template_correct_category_detection", _) => Some(&TEMPLATE_DETECTION),
        ("phone_number_quality_update", _) => Some(&NUMBER_QUALITY),
        _ => None,
    }
}

const fn known(from: &'static str, to: &'static str, how: How) -> Rule {
    Rule { from, to, how, documented: true }
}

const fn ours(from: &'static str, to: &'static str, how: How) -> Rule {
    Rule { from, to, how, documented: false }
}

const ACCOUNT: Form = Form {
    event_type: "account_update",
    details: &[
        known("event", "event", How::Event),
        known("phone_number", "phoneNumber", How::Same),
        known("partner_client_certification_info", "businessVerificationInfo", How::Object(VERIFICATION)),
        known("violation_info", "violationInfo", How::Object(VIOLATION)),
        known("restriction_info", "restrictionInfo", How::List(RESTRICTION)),
        ours("partner_client_certification_needed_info", "partnerClientCertificationNeededInfo", How::Object(NEEDED)),
        ours("ban_info", "banInfo", How::Object(BAN)),
        ours("waba_info", "wabaInfo", How::Object(WABA)),
        ours("disconnection_info", "disconnectionInfo", How::Object(DISCONNECTION)),
        ours("country", "country", How::Same),
        ours("auth_international_rate_eligibility", "authInternationalRateEligibility", How::Object(RATES)),
        ours("volume_tier_info", "volumeTierInfo", How::Object(TIER)),
    ],
    meta: None,
    documented: Documented::Events(&[
        "ACCOUNT_VIOLATION",
        "ACCOUNT_RESTRICTION",
        "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
    ]),
};

const VERIFICATION: &[Rule] = &[
    known("client_business_id", "businessId", How::Same),
    known("status", "verificationStatus", How::Same),
    known("rejection_reasons", "rejectionReasons", How::Underscored),
];

const VIOLATION: &[Rule] =
    &[known("violation_type", "violationType", How::Same), known("remediation", "remediation", How::Same)];

const RESTRICTION: &[Rule] = &[
    known("restriction_type", "restrictionType", How::Same),
    known("expiration", "expiration", How::Time),
    known("remediation", "remediation", How::Same),
];

const NEEDED: &[Rule] = &[ours("client_business_id", "clientBusinessId", How::Same)];

const BAN: &[Rule] =
    &[ours("waba_ban_state", "wabaBanState", How::Same), ours("waba_ban_date", "wabaBanDate", How::Same)];

const WABA: &[Rule] = &[
    ours("waba_id", "wabaId", How::Same),
    ours("owner_business_id", "ownerBusinessId", How::Same),
    ours("partner_app_id", "partnerAppId", How::Same),
    ours("solution_id", "solutionId", How::Same),
    ours("solution_partner_business_ids", "solutionPartnerBusinessIds", How::Same),
    ours("ad_account_linked", "adAccountLinked", How::Same),
    // The older spelling of the same.
    ours("ad_account_id", "adAccountLinked", How::Same),
];

const DISCONNECTION: &[Rule] = &[ours("reason", "reason", How::Same), ours("initiated_by", "initiatedBy", How::Same)];

const RATES: &[Rule] = &[
    ours("start_time", "startTime", How::Time),
    ours("exception_countries", "exceptionCountries", How::List(COUNTRY)),
];

const COUNTRY: &[Rule] = &[ours("country_code", "countryCode", How::Same), ours("start_time", "startTime", How::Time)];

const TIER: &[Rule] = &[
    ours("tier_update_time", "tierUpdateTime", How::Time),
    ours("pricing_category", "pricingCategory", How::Same),
    ours("tier", "tier", How::Same),
    ours("effective_month", "effectiveMonth", How::Same),
    ours("region", "region", How::Same),
];

const TEMPLATE: &[Rule] = &[
    known("message_template_id", "templateId", How::Same),
    known("message_template_name", "templateName", How::Same),
    known("message_template_language", "templateLanguage", How::Same),
];

const TEMPLATE_STATUS: Form = Form {
    event_type: "template_status_update",
    details: TEMPLATE,
    meta: Some(&[
        known("event", "status", How::Same),
        known("reason", "reason", How::Reason),
        known("disable_info", "disableInfo", How::Object(&[known("disable_date", "disableDate", How::Time)])),
        known("other_info", "otherInfo", How::Object(OTHER)),
        ours("message_template_category", "category", How::Same),
        ours("rejection_info", "rejectionInfo", How::Object(REJECTION)),
    ]),
    documented: Documented::Events(&[
        "APPROVED",
        "REJECTED",
        "FLAGGED",
        "PAUSED",
        "PENDING_DELETION",
        "PENDING",
        "DISABLED",
    ]),
};

const OTHER: &[Rule] = &[known("title", "title", How::Same), known("description", "description", How::Same)];

const REJECTION: &[Rule] = &[ours("reason", "reason", How::Same), ours("recommendation", "recommendation", How::Same)];

const TEMPLATE_QUALITY: Form = Form {
    event_type: "template_quality_update",
    details: TEMPLATE,
    meta: Some(&[
        known("previous_quality_score", "previousQualityScore", How::Same),
        known("new_quality_score", "newQualityScore", How::Same),
    ]),
    documented: Documented::All,
};

const TEMPLATE_CATEGORY: Form = Form {
    event_type: "template_category_update",
    details: TEMPLATE,
    meta: Some(&[
        known("previous_category", "previousCategory", How::Same),
        known("new_category", "newCategory", How::Same),
        ours("correct_category", "correctCategory", How::Same),
        ours("category_update_timestamp", "categoryUpdateTimestamp", How::Time),
    ]),
    documented: Documented::All,
};

/// A change that will come: `newCategory` is the category that the template still has.
const TEMPLATE_CATEGORY_AHEAD: Form = Form {
    event_type: "template_category_update",
    details: TEMPLATE,
    meta: Some(&[
        ours("new_category", "newCategory", How::Same),
        ours("correct_category", "correctCategory", How::Same),
        ours("category_update_timestamp", "categoryUpdateTimestamp", How::Time),
    ]),
    documented: Documented::None,
};

const TEMPLATE_DETECTION: Form = Form {
    event_type: "template_correct_category_detection",
    details: TEMPLATE,
    meta: Some(&[known("category", "category", How::Same), known("correct_category", "correctCategory", How::Same)]),
    documented: Documented::All,
};

const NUMBER_QUALITY: Form = Form {
    event_type: "phone_number_quality_update",
    details: &[known("display_phone_number", "displayPhoneNumber", How::Same)],
    meta: Some(&[
        known("event", "event", How::Same),
        known("current_limit", "currentLimit", How::Same),
        known("old_limit", "oldLimit", How::Same),
        known("max_daily_conversations_per_business", "maxDailyConversationsPerBusiness", How::Same),
        known("reason", "reason", How::Same),
    ]),
    documented: Documented::Events(&[
        "DOWNGRADE",
        "FLAGGED",
        "ONBOARDING",
        "THROUGHPUT_UPGRADE",
        "UNFLAGGED",
        "UPGRADE",
    ]),
};
