//! Accounts, portfolios and numbers.

use super::{Elements, Evidence, Family, Field, MANAGEMENT, Override, TimeSource, page};

pub(super) const ACCOUNT_ALERTS: Field = Field {
    name: "account_alerts",
    meaning: "something about limits, the official badge or the profile photo needs attention",
    page: page!("webhooks/reference/account_alerts"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::AccountAlert,
        &[
            "account_alerts.increased_capabilities_eligibility_deferred",
            "account_alerts.increased_capabilities_eligibility_failed",
            "account_alerts.increased_capabilities_eligibility_need_more_info",
            "account_alerts.oba_approved",
            "account_alerts.oba_rejected",
            "account_alerts.profile_picture_lost",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const ACCOUNT_REVIEW_UPDATE: Field = Field {
    name: "account_review_update",
    meaning: "an account was reviewed against WhatsApp's policies",
    page: page!("webhooks/reference/account_review_update"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::AccountReviewUpdate,
        &[
            "account_review_update.approved",
            "account_review_update.deferred",
            "account_review_update.pending",
            "account_review_update.rejected",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const ACCOUNT_SETTINGS_UPDATE: Field = Field {
    name: "account_settings_update",
    callback_override: Override::Applies,
    meaning: "settings of a number changed, today those of calling",
    page: page!("calling/call-settings"),
    elements: &[Elements::whole(
        TimeSource::Member("timestamp"),
        Family::AccountSettingsUpdate,
        &["account_settings_update.phone_number_settings"],
    )],
    ..MANAGEMENT
};

pub(super) const ACCOUNT_UPDATE: Field = Field {
    name: "account_update",
    meaning: "an account was restricted, banned, shared with a partner, priced anew or deleted",
    page: page!("webhooks/reference/account_update"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::AccountUpdate,
        &[
            "account_update.account_deleted",
            "account_update.account_offboarded",
            "account_update.account_reconnected",
            "account_update.account_restriction",
            "account_update.account_violation",
            "account_update.ad_account_linked",
            "account_update.auth_intl_price_eligibility_update",
            "account_update.business_primary_location_country_update",
            "account_update.disabled_update",
            "account_update.mm_lite_terms_signed",
            "account_update.partner_added",
            "account_update.partner_app_installed",
            "account_update.partner_app_uninstalled",
            "account_update.partner_client_certification_needed",
            "account_update.partner_client_certification_status_update",
            "account_update.partner_removed",
            "account_update.verified_account",
            "account_update.volume_based_pricing_tier_update",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const BUSINESS_CAPABILITY_UPDATE: Field = Field {
    name: "business_capability_update",
    meaning: "a limit of an account or portfolio changed",
    page: page!("webhooks/reference/business_capability_update"),
    elements: &[Elements::whole(TimeSource::Entry, Family::BusinessCapabilityUpdate, &["business_capability_update"])],
    ..MANAGEMENT
};

pub(super) const BUSINESS_STATUS_UPDATE: Field = Field {
    name: "business_status_update",
    evidence: Evidence::Unpublished,
    meaning: "no payload is published; offered in the dashboard",
    doubts: &["Only the dashboard's list names it."],
    elements: &[Elements::unpublished(&["business_status_update"])],
    ..MANAGEMENT
};

pub(super) const BUSINESS_USERNAME_UPDATES: Field = Field {
    name: "business_username_updates",
    also: &["business_username_update"],
    meaning: "the username of a number was approved, reserved or deleted",
    page: page!("business-scoped-user-ids"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::BusinessUsernameUpdate,
        &[
            "business_username_updates.approved",
            "business_username_updates.deleted",
            "business_username_updates.reserved",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const CAMPAIGN_STATUS_UPDATE: Field = Field {
    name: "campaign_status_update",
    evidence: Evidence::Unpublished,
    meaning: "no payload is published",
    doubts: &["In older lists of third parties only, not in the documentation of 2026."],
    elements: &[Elements::unpublished(&["campaign_status_update"])],
    ..MANAGEMENT
};

pub(super) const PARTNER_SOLUTIONS: Field = Field {
    name: "partner_solutions",
    meaning: "a multi-partner solution was made or changed its state",
    page: page!("webhooks/reference/partner_solutions"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::PartnerSolution,
        &["partner_solutions.solution_created", "partner_solutions.solution_updated"],
    )],
    ..MANAGEMENT
};

pub(super) const PAYMENT_CONFIGURATION_UPDATE: Field = Field {
    name: "payment_configuration_update",
    meaning: "the link to a payment gateway changed",
    page: page!("webhooks/reference/payment_configuration_update"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::PaymentConfigurationUpdate,
        &[
            "payment_configuration_update.active",
            "payment_configuration_update.needs_connecting",
            "payment_configuration_update.needs_testing",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const PHONE_NUMBER_NAME_UPDATE: Field = Field {
    name: "phone_number_name_update",
    meaning: "the display name of a number was reviewed",
    page: page!("webhooks/reference/phone_number_name_update"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::PhoneNumberNameUpdate,
        &[
            "phone_number_name_update.approved",
            "phone_number_name_update.deferred",
            "phone_number_name_update.pending",
            "phone_number_name_update.rejected",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const PHONE_NUMBER_QUALITY_UPDATE: Field = Field {
    name: "phone_number_quality_update",
    meaning: "a number got another throughput; formerly its quality and limit",
    page: page!("webhooks/reference/phone_number_quality_update"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::PhoneNumberQualityUpdate,
        &[
            "phone_number_quality_update.downgrade",
            "phone_number_quality_update.flagged",
            "phone_number_quality_update.onboarding",
            "phone_number_quality_update.throughput_upgrade",
            "phone_number_quality_update.unflagged",
            "phone_number_quality_update.upgrade",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const SECURITY: Field = Field {
    name: "security",
    meaning: "the PIN of a number was changed, or its reset asked for",
    page: page!("webhooks/reference/security"),
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::Security,
        &["security.pin_changed", "security.pin_request_success", "security.pin_reset_request"],
    )],
    ..MANAGEMENT
};
