//! Accounts, portfolios and what partners share.

use crate::outline::declare::{object, words};

words! {
    /// What an alert is about.
    AlertEntityType {
        Business "BUSINESS", PhoneNumber "PHONE_NUMBER", CurrentStatusId "CURRENT_STATUS_ID", Waba "WABA",
    }
}

words! {
    /// How bad it is.
    AlertSeverity { Critical "CRITICAL", Warning "WARNING", Informational "INFORMATIONAL" }
}

words! {
    /// Whether an alert is still on.
    AlertStatus { Active "ACTIVE", None "NONE" }
}

words! {
    /// What an alert says.
    tag AlertType {
        EligibilityDeferred "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED",
        EligibilityFailed "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED",
        EligibilityNeedsMoreInfo "INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO", ObaApproved "OBA_APPROVED",
        ObaRejected "OBA_REJECTED", ProfilePictureLost "PROFILE_PICTURE_LOST",
    }
}

object! {
    /// Something about limits, the official badge or the profile photo needs attention. Two shapes: the alert stands in
    /// `alert_info`, or beside it.
    AccountAlert {
        /// What it is about.
        entity_type: always words(AlertEntityType);
        /// The id of what it is about; a number in a sample of the dashboard.
        entity_id: always mixed(Digits);
        /// The alert.
        alert_info: maybe object(AlertInfo);
        /// How bad it is (flat shape).
        alert_severity: maybe words(AlertSeverity);
        /// Whether it is still on (flat shape).
        alert_status: maybe words(AlertStatus);
        /// What it says (flat shape).
        alert_type: maybe words(AlertType);
        /// What it says, as an English sentence (flat shape).
        alert_description: maybe Prose;
    }
    needs ["alert_info" | "alert_type"]
}

object! {
    /// An alert.
    AlertInfo {
        /// How bad it is.
        alert_severity: always words(AlertSeverity);
        /// Whether it is still on.
        alert_status: always words(AlertStatus);
        /// What it says.
        alert_type: always words(AlertType);
        /// What it says, as an English sentence; sometimes with an unfilled placeholder.
        alert_description: always Prose;
    }
}

words! {
    /// What a review of an account decided.
    tag ReviewDecision { Approved "APPROVED", Rejected "REJECTED", Pending "PENDING", Deferred "DEFERRED" }
}

object! {
    /// An account was reviewed against WhatsApp's policies.
    AccountReviewUpdate {
        /// What was decided.
        decision: always words(ReviewDecision);
    }
}

words! {
    /// What happened to an account.
    tag AccountEvent {
        AccountDeleted "ACCOUNT_DELETED", AccountViolation "ACCOUNT_VIOLATION",
        AccountRestriction "ACCOUNT_RESTRICTION", DisabledUpdate "DISABLED_UPDATE",
        VerifiedAccount "VERIFIED_ACCOUNT", AccountOffboarded "ACCOUNT_OFFBOARDED",
        AccountReconnected "ACCOUNT_RECONNECTED", PartnerAdded "PARTNER_ADDED", PartnerRemoved "PARTNER_REMOVED",
        PartnerAppInstalled "PARTNER_APP_INSTALLED", PartnerAppUninstalled "PARTNER_APP_UNINSTALLED",
        PartnerClientCertificationStatusUpdate "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
        PartnerClientCertificationNeeded "PARTNER_CLIENT_CERTIFICATION_NEEDED",
        BusinessPrimaryLocationCountryUpdate "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE",
        AuthIntlPriceEligibilityUpdate "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
        VolumeBasedPricingTierUpdate "VOLUME_BASED_PRICING_TIER_UPDATE", MmLiteTermsSigned "MM_LITE_TERMS_SIGNED",
        AdAccountLinked "AD_ACCOUNT_LINKED",
    }
}

object! {
    /// An account was restricted, banned, shared with a partner, priced anew or deleted.
    AccountUpdate {
        /// What happened; it decides which of the other members are there.
        event: always words(AccountEvent);
        /// The number that it is about.
        phone_number: maybe Phone;
        /// The primary business location.
        country: maybe Country;
        /// The account that is shared.
        waba_info: maybe object(WabaInfo);
        /// The policy that was violated.
        violation_info: maybe object(ViolationInfo);
        /// What is restricted. Absent on warnings and where a restriction was lifted.
        restriction_info: maybe list(RestrictionInfo);
        /// The ban.
        ban_info: maybe object(BanInfo);
        /// The rates for authentication across borders.
        auth_international_rate_eligibility: maybe object(RateEligibility);
        /// The new pricing tier.
        volume_tier_info: maybe object(VolumeTierInfo);
        /// Why a number of the WhatsApp Business app was disconnected.
        disconnection_info: maybe object(DisconnectionInfo);
        /// How far the verification of a customer has got.
        partner_client_certification_info: maybe object(CertificationInfo);
        /// The customer who must be certified.
        partner_client_certification_needed_info: maybe object(CertificationNeededInfo);
    }
    by "event" {
        "ACCOUNT_DELETED" may ["phone_number"];
        "ACCOUNT_VIOLATION" needs ["violation_info"] may ["phone_number"];
        "ACCOUNT_RESTRICTION" needs ["restriction_info" | "violation_info"] may ["phone_number"];
        "DISABLED_UPDATE" needs ["ban_info"] may ["phone_number"];
        "VERIFIED_ACCOUNT" needs ["phone_number"];
        "ACCOUNT_OFFBOARDED" may ["phone_number"];
        "ACCOUNT_RECONNECTED" may ["phone_number"];
        "PARTNER_ADDED" needs ["waba_info"];
        "PARTNER_REMOVED" needs ["waba_info" | "phone_number"] may ["disconnection_info"];
        "PARTNER_APP_INSTALLED" needs ["waba_info"];
        "PARTNER_APP_UNINSTALLED" may ["waba_info"];
        "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE" needs ["partner_client_certification_info"];
        "PARTNER_CLIENT_CERTIFICATION_NEEDED" needs ["partner_client_certification_needed_info"];
        "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE" needs ["country"];
        "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE" needs ["auth_international_rate_eligibility"];
        "VOLUME_BASED_PRICING_TIER_UPDATE" needs ["volume_tier_info"];
        "MM_LITE_TERMS_SIGNED" needs ["waba_info"];
        "AD_ACCOUNT_LINKED" needs ["waba_info"];
    }
}

object! {
    /// An account of a customer, as a partner sees it.
    WabaInfo {
        /// The customer's account: use this, not the entry's id.
        waba_id: always Digits;
        /// The portfolio that owns it.
        owner_business_id: always Digits;
        /// The app that got or lost access.
        partner_app_id: maybe Digits;
        /// The multi-partner solution.
        solution_id: maybe Digits;
        /// The portfolios of the solution's partners.
        solution_partner_business_ids: maybe texts(Digits);
        /// The linked ad account's id, despite the name.
        ad_account_linked: maybe Digits;
        /// The linked ad account, in an older spelling.
        ad_account_id: maybe Digits;
    }
}

words! {
    /// What was violated, warned of or lifted.
    ViolationType {
        Adult "ADULT", Alcohol "ALCOHOL", Animals "ANIMALS", BodyPartsFluids "BODY_PARTS_FLUIDS", Dating "DATING",
        DigitalServicesProducts "DIGITAL_SERVICES_PRODUCTS", Drugs "DRUGS", Gambling "GAMBLING",
        Healthcare "HEALTHCARE", IllegalProducts "ILLEGAL_PRODUCTS", Misleading "MISLEADING",
        OverlySexualizedPositioning "OVERTLY_SEXUALIZED_POSITIONING", RealFakeCurrency "REAL_FAKE_CURRENCY",
        Scam "SCAM", Supplements "SUPPLEMENTS", ThirdPartyInfringements "THIRD_PARTY_INFRINGEMENTS",
        Tobacco "TOBACCO", UnauthorizedMedia "UNAUTHORIZED_MEDIA", Weapons "WEAPONS",
        LowBusinessInitiatedCallingQuality "LOW_BUSINESS_INITIATED_CALLING_QUALITY",
        LowUserInitiatedCallingQuality "LOW_USER_INITIATED_CALLING_QUALITY",
        UserInitiatedCallsLowPickupRate "USER_INITIATED_CALLS_LOW_PICKUP_RATE",
        DirectSendUtilityCategoryAbuseWarn "DIRECT_SEND_UTILITY_CATEGORY_ABUSE_WARN",
        DirectSendUtilityTemplateAbuse "DIRECT_SEND_UTILITY_TEMPLATE_ABUSE",
        DirectSendUtilityCategoryAbuseRateLimit "DIRECT_SEND_UTILITY_CATEGORY_ABUSE_RATE_LIMIT",
        DirectSendUtilityCategoryAbuseStrike1 "DIRECT_SEND_UTILITY_CATEGORY_ABUSE_STRIKE_1",
        DirectSendUtilityCategoryAbuseStrike2 "DIRECT_SEND_UTILITY_CATEGORY_ABUSE_STRIKE_2",
        DirectSendUtilityCategoryAbuseOffboard "DIRECT_SEND_UTILITY_CATEGORY_ABUSE_OFFBOARD",
        DirectSendUtilityCategoryAbuseUnban "DIRECT_SEND_UTILITY_CATEGORY_ABUSE_UNBAN",
        DirectSendUtilityCategoryAbuseRateLimitRecovery "DIRECT_SEND_UTILITY_CATEGORY_ABUSE_RATE_LIMIT_RECOVERY",
        UtilityTemplateAbuse "UTILITY_TEMPLATE_ABUSE", UtilityTemplateAbuseUnban "UTILITY_TEMPLATE_ABUSE_UNBAN",
        UtilityTemplateAbuseRateLimit "UTILITY_TEMPLATE_ABUSE_RATE_LIMIT",
        UtilityTemplateAbuseRateLimitRecovery "UTILITY_TEMPLATE_ABUSE_RATE_LIMIT_RECOVERY",
    }
}

object! {
    /// A policy that was violated, or good news about one.
    ViolationInfo {
        /// What was violated, warned of or lifted.
        violation_type: always words(ViolationType);
        /// What to do, as an English sentence.
        remediation: maybe Prose;
    }
}

words! {
    /// What is restricted.
    RestrictionType {
        AddPhoneNumber "RESTRICTED_ADD_PHONE_NUMBER_ACTION",
        BizInitiatedMessaging "RESTRICTED_BIZ_INITIATED_MESSAGING",
        CustomerInitiatedMessaging "RESTRICTED_CUSTOMER_INITIATED_MESSAGING",
        BusinessInitiatedCalling "RESTRICTED_BUSINESS_INITIATED_CALLING",
        UserInitiatedCalling "RESTRICTED_USER_INITIATED_CALLING",
        AllCalling "RESTRICTED_BIZ_INITIATED_AND_USER_INITIATED_CALLING",
        CallButtonHidden "RESTRICTED_USER_INITIATED_CALLING_CALL_BUTTON_HIDDEN",
        DirectSendUtilityTemplates "RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES",
        UtilityTemplates "RESTRICTED_UTILITY_TEMPLATES",
        UtilityTemplateMessagingRate "RATE_LIMITED_UTILITY_TEMPLATE_MESSAGING",
    }
}

object! {
    /// A restriction.
    RestrictionInfo {
        /// What is restricted.
        restriction_type: always words(RestrictionType);
        /// When it ends: Unix seconds, as a number or a text; absent where it does not end by itself.
        expiration: maybe mixed(Date);
        /// What to do, as an English sentence.
        remediation: maybe Prose;
    }
}

words! {
    /// The state of a ban.
    BanState { ScheduleForDisable "SCHEDULE_FOR_DISABLE", Disable "DISABLE", Reinstate "REINSTATE" }
}

object! {
    /// A ban.
    BanInfo {
        /// The state; one page shows a list of them.
        waba_ban_state: always word_or_words(BanState);
        /// A date as people in the USA write it, without a zone.
        waba_ban_date: always Date;
    }
}

object! {
    /// The rates for authentication across borders.
    RateEligibility {
        /// From when they apply.
        start_time: always time_number;
        /// Countries where they apply from another time.
        exception_countries: maybe list(RateException);
    }
}

object! {
    /// A country where rates apply from another time.
    RateException {
        /// The country.
        country_code: always Country;
        /// From when they apply there.
        start_time: always time_number;
    }
}

words! {
    /// What a pricing tier is for.
    VolumeCategory { Utility "UTILITY", Authentication "AUTHENTICATION", Calling "CALLING" }
}

object! {
    /// A new pricing tier.
    VolumeTierInfo {
        /// When it was reached; of several notices of one change the earliest is true.
        tier_update_time: always time_number;
        /// What it is for.
        pricing_category: always words(VolumeCategory);
        /// `<from>:<to>`
        tier: always Token;
        /// `YYYY-MM`
        effective_month: always Month;
        /// A country or region, by its English name.
        region: always Prose;
    }
}

words! {
    /// Why a number was disconnected.
    DisconnectionReason {
        AccountDisconnected "ACCOUNT_DISCONNECTED", BusinessDowngrade "BUSINESS_DOWNGRADE",
        ChangeNumber "CHANGE_NUMBER", CompanionInactivity "COMPANION_INACTIVITY",
        PrimaryInactivity "PRIMARY_INACTIVITY", UserReRegistered "USER_RE_REGISTERED",
    }
}

words! {
    /// Who disconnected a number.
    DisconnectionInitiator { System "SYSTEM", User "USER" }
}

object! {
    /// Why a number of the WhatsApp Business app was disconnected.
    DisconnectionInfo {
        /// Why.
        reason: always words(DisconnectionReason);
        /// By whom.
        initiated_by: always words(DisconnectionInitiator);
    }
}

words! {
    /// How far a verification has got.
    CertificationStatus {
        Approved "APPROVED", Discarded "DISCARDED", Failed "FAILED", Pending "PENDING", Revoked "REVOKED",
    }
}

words! {
    /// Why a verification failed.
    CertificationRejection {
        AddressNotMatching "ADDRESS NOT MATCHING", BusinessNotEligible "BUSINESS NOT ELIGIBLE",
        LegalNameNotMatching "LEGAL NAME NOT MATCHING",
        LegalNameNotFoundInDocuments "LEGAL NAME NOT FOUND IN DOCUMENTS", MalformedDocuments "MALFORMED DOCUMENTS",
        WebsiteNotMatching "WEBSITE NOT MATCHING", None "NONE",
    }
}

object! {
    /// How far the verification of a customer has got.
    CertificationInfo {
        /// The customer's portfolio.
        client_business_id: always Digits;
        /// How far it has got.
        status: always words(CertificationStatus);
        /// Why it failed.
        rejection_reasons: maybe words_list(CertificationRejection);
    }
}

object! {
    /// A customer who must be certified.
    CertificationNeededInfo {
        /// The customer's portfolio.
        client_business_id: always Digits;
    }
}

object! {
    /// A limit of an account or portfolio changed.
    BusinessCapabilityUpdate {
        /// Conversations a day and number; -1 is unlimited (v23.0 and older).
        max_daily_conversation_per_phone: maybe integer;
        /// Conversations a day: a count, or the name of a tier (v24.0 and newer).
        max_daily_conversations_per_business: maybe mixed(Limit);
        /// Numbers, while the messaging limit is 250.
        max_phone_numbers_per_business: maybe integer;
        /// Numbers, beyond that.
        max_phone_numbers_per_waba: maybe integer;
    }
}

words! {
    /// What happened to a solution.
    tag SolutionEvent { Created "SOLUTION_CREATED", Updated "SOLUTION_UPDATED" }
}

words! {
    /// The state of a solution.
    SolutionStatus {
        Draft "DRAFT", Initiated "INITIATED", Active "ACTIVE", Rejected "REJECTED",
        PendingDeactivation "PENDING_DEACTIVATION", Deactivated "DEACTIVATED",
    }
}

object! {
    /// A multi-partner solution was made or changed its state.
    PartnerSolution {
        /// What happened.
        event: always words(SolutionEvent);
        /// The solution.
        solution_id: always Digits;
        /// Its state.
        solution_status: always words(SolutionStatus);
    }
}

words! {
    /// The payment gateway.
    PaymentProvider { Billdesk "billdesk", Payu "payu", Razorpay "razorpay", Zaakpay "zaakpay" }
}

words! {
    /// The state of the link to a payment gateway.
    tag PaymentConfigurationStatus {
        Active "Active", NeedsConnecting "Needs Connecting", NeedsTesting "Needs Testing",
    }
}

object! {
    /// The link to a payment gateway changed.
    PaymentConfigurationUpdate {
        /// The link's name.
        configuration_name: always Token;
        /// The gateway.
        provider_name: always words(PaymentProvider);
        /// The business's id there.
        provider_mid: always Token;
        /// Its state.
        status: always words(PaymentConfigurationStatus);
        /// When it was made.
        created_timestamp: always time_number;
        /// When it changed.
        updated_timestamp: always time_number;
    }
}
