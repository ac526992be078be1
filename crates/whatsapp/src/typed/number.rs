//! Phone numbers of the business.

use crate::outline::declare::{object, words};

words! {
    /// What kind of settings changed.
    tag SettingsType { PhoneNumberSettings "phone_number_settings" }
}

object! {
    /// Settings of a number changed.
    AccountSettingsUpdate {
        /// `whatsapp`
        messaging_product: maybe Token;
        /// When it happened.
        timestamp: always time;
        /// What kind of settings: the name of the member that holds them.
        kind as "type": always words(SettingsType);
        /// The settings of a number.
        phone_number_settings: maybe object(PhoneNumberSettings);
    }
    by "type" { "phone_number_settings" needs ["phone_number_settings"]; }
}

object! {
    /// The settings of a number.
    PhoneNumberSettings {
        /// Id of the business number.
        phone_number_id: always Digits;
        /// The settings of calling; null where these did not change.
        calling: maybe_null object(CallingSettings);
    }
}

words! {
    /// Whether something is switched on.
    Switch { Enabled "ENABLED", Disabled "DISABLED" }
}

words! {
    /// Where the call button is shown.
    CallIconVisibility { Default "DEFAULT", DisableAll "DISABLE_ALL" }
}

words! {
    /// How keys are exchanged.
    SrtpKeyExchange { Dtls "DTLS", Sdes "SDES" }
}

object! {
    /// The settings of calling.
    CallingSettings {
        /// Whether calling is on.
        status: maybe words(Switch);
        /// Where the call button is shown.
        call_icon_visibility: maybe words(CallIconVisibility);
        /// To whom the call button is shown.
        call_icons: maybe object(CallIcons);
        /// Whether a user who calls permits to be called back.
        callback_permission_status: maybe words(Switch);
        /// When calls are taken.
        call_hours: maybe object(CallHours);
        /// Where calls go over SIP.
        sip: maybe object(SipSettings);
        /// How keys are exchanged.
        srtp_key_exchange_protocol: maybe words(SrtpKeyExchange);
    }
}

object! {
    /// To whom the call button is shown.
    CallIcons {
        /// Only to users of these countries.
        restrict_to_user_countries: maybe texts(Country);
    }
}

words! {
    /// A day of the week.
    DayOfWeek {
        Monday "MONDAY", Tuesday "TUESDAY", Wednesday "WEDNESDAY", Thursday "THURSDAY", Friday "FRIDAY",
        Saturday "SATURDAY", Sunday "SUNDAY",
    }
}

object! {
    /// When calls are taken.
    CallHours {
        /// Whether there are hours.
        status: always words(Switch);
        /// The zone of the hours.
        timezone_id: maybe Token;
        /// The hours of each day.
        weekly_operating_hours: maybe list(OperatingHours);
        /// Days with other hours.
        holiday_schedule: maybe list(Holiday);
    }
}

object! {
    /// The hours of a day.
    OperatingHours {
        /// The day.
        day_of_week: always words(DayOfWeek);
        /// `HHMM`
        open_time: always Clock;
        /// `HHMM`
        close_time: always Clock;
    }
}

object! {
    /// A day with other hours.
    Holiday {
        /// `YYYY-MM-DD`
        date: always Date;
        /// `HHMM`
        start_time: always Clock;
        /// `HHMM`
        end_time: always Clock;
    }
}

object! {
    /// Where calls go over SIP.
    SipSettings {
        /// Whether it is on.
        status: always words(Switch);
        /// The servers.
        servers: maybe list(SipServer);
    }
}

object! {
    /// A SIP server.
    SipServer {
        /// Its name.
        hostname: always Token;
        /// Its port.
        port: maybe integer;
        /// What is added to the user part, under names of the business's own.
        request_uri_user_params: maybe map(Prose);
    }
}

words! {
    /// What became of a username.
    tag UsernameStatus { Approved "approved", Reserved "reserved", Deleted "deleted" }
}

words! {
    /// Why a username changed.
    UsernameContext { Revoked "revoked" }
}

object! {
    /// The username of a number was approved, reserved or deleted.
    BusinessUsernameUpdate {
        /// The business number for display.
        display_phone_number: always Display;
        /// The username, without `@`; absent when it was deleted.
        username: maybe Username;
        /// What became of it.
        status: always words(UsernameStatus);
        /// `revoked`: Meta took the name away.
        context: maybe words(UsernameContext);
    }
}

words! {
    /// What a review of a name decided.
    tag NameDecision { Approved "APPROVED", Deferred "DEFERRED", Pending "PENDING", Rejected "REJECTED" }
}

words! {
    /// Why a name was refused.
    NameRejection {
        EmployeeIssue "NAME_EMPLOYEE_ISSUE", EndClientNotRelated "NAME_ENDCLIENT_NOTRELATED",
        FormatUnacceptable "NAME_FORMAT_UNACCEPTABLE", IndividualIssue "NAME_INDIVIDUAL_ISSUE",
        NotConsistent "NAME_NOT_CONSISTENT", Unspecified "UNKNOWN",
    }
}

object! {
    /// The display name of a number was reviewed.
    PhoneNumberNameUpdate {
        /// The business number for display.
        display_phone_number: always Display;
        /// What was decided.
        decision: always words(NameDecision);
        /// The name.
        requested_verified_name: always Prose;
        /// Why it was refused; null when it was not.
        rejection_reason: maybe_null words(NameRejection);
    }
}

words! {
    /// What happened to a number's throughput or, formerly, its quality.
    tag QualityEvent {
        Onboarding "ONBOARDING", ThroughputUpgrade "THROUGHPUT_UPGRADE", Flagged "FLAGGED", Unflagged "UNFLAGGED",
        Upgrade "UPGRADE", Downgrade "DOWNGRADE",
    }
}

words! {
    /// A messaging limit.
    Tier {
        Tier50 "TIER_50", Tier250 "TIER_250", Tier1K "TIER_1K", Tier2K "TIER_2K", Tier10K "TIER_10K",
        Tier100K "TIER_100K", NotSet "TIER_NOT_SET", Unlimited "TIER_UNLIMITED",
    }
}

object! {
    /// A number got another throughput; formerly another quality or limit.
    PhoneNumberQualityUpdate {
        /// The business number for display.
        display_phone_number: always Display;
        /// What happened.
        event: always words(QualityEvent);
        /// The limit now; announced to go.
        current_limit: maybe words(Tier);
        /// The limit before; announced to go.
        old_limit: maybe words(Tier);
        /// The portfolio's limit, since v24.0.
        max_daily_conversations_per_business: maybe words(Tier);
    }
}

words! {
    /// What happened to a PIN.
    tag SecurityEvent {
        PinChanged "PIN_CHANGED", PinResetRequest "PIN_RESET_REQUEST", PinRequestSuccess "PIN_REQUEST_SUCCESS",
    }
}

object! {
    /// The PIN of a number was changed, or its reset asked for.
    Security {
        /// The business number for display.
        display_phone_number: always Display;
        /// What happened.
        event: always words(SecurityEvent);
        /// Who asked.
        requester: maybe Digits;
    }
}
