//! Calls.

use crate::outline::declare::{object, words};

words! {
    /// What happened to a call.
    tag CallEvent {
        Connect "connect", Terminate "terminate", Created "call_created",
        RecordingAvailable "call_recording_available", TranscriptionAvailable "call_transcription_available",
    }
}

words! {
    /// Who calls.
    CallDirection { BusinessInitiated "BUSINESS_INITIATED", UserInitiated "USER_INITIATED" }
}

words! {
    /// How a call ended.
    CallOutcome { Completed "COMPLETED", Failed "FAILED" }
}

object! {
    /// One event in the life of a call.
    Call {
        /// The call's id.
        id: maybe CallId;
        /// The call's id, as one SDK's test spells it.
        wacid: maybe CallId;
        /// What happened.
        event: always words(CallEvent);
        /// When it happened.
        timestamp: always time_text;
        /// Who calls.
        direction: maybe words(CallDirection);
        /// The caller.
        from: maybe Phone;
        /// The caller's business-scoped user id.
        from_user_id: maybe UserId;
        /// The caller's user id of linked portfolios.
        from_parent_user_id: maybe ParentUserId;
        /// The one who is called.
        to: maybe Phone;
        /// The business-scoped user id of the one who is called.
        to_user_id: maybe UserId;
        /// The user id of linked portfolios of the one who is called.
        to_parent_user_id: maybe ParentUserId;
        /// The offer or answer.
        session: maybe object(CallSession);
        /// A copy of the offer or answer (legacy).
        connection: maybe object(CallConnection);
        /// What stood in the link that the user called from.
        deeplink_payload: maybe Prose;
        /// What stood in the button that the user called from.
        cta_payload: maybe Prose;
        /// What the business gave when it called.
        biz_opaque_callback_data: maybe Prose;
        /// How the call ended.
        status: maybe words(CallOutcome);
        /// When an answered call began.
        start_time: maybe time;
        /// When an answered call ended.
        end_time: maybe time;
        /// How long an answered call took, in seconds.
        duration: maybe integer;
        /// The recording.
        call_recording: maybe object(CallRecording);
        /// The transcript.
        call_transcript: maybe object(CallTranscript);
    }
    needs ["id" | "wacid"]
    by "event" {
        "connect" needs ["session"] may ["connection"];
        "terminate" needs ["status"] may ["start_time", "end_time", "duration"];
        "call_created";
        "call_recording_available" needs ["call_recording"];
        "call_transcription_available" needs ["call_transcript"];
    }
}

words! {
    /// Which side of the agreement it is.
    SdpType { Offer "offer", Answer "answer" }
}

object! {
    /// The offer or answer of a call.
    CallSession {
        /// Which of the two: `offer` where the user calls.
        sdp_type: always words(SdpType);
        /// RFC 8866 text with CR LF.
        sdp: always Prose;
    }
}

object! {
    /// A copy of the offer or answer (legacy).
    CallConnection {
        /// For browsers.
        webrtc: maybe object(Webrtc);
    }
}

object! {
    /// A copy of the offer or answer for browsers (legacy).
    Webrtc {
        /// JSON in a string.
        sdp: maybe Json;
    }
}

object! {
    /// A stored file.
    CallFile {
        /// Id to fetch it by: valid for 7 days.
        id: always Digits;
        /// Its type.
        mime_type: always Mime;
        /// Its checksum.
        sha256: always Hash;
        /// Where it can be fetched for five minutes, with the access token.
        url: maybe Url;
    }
}

words! {
    /// What kind of file it is.
    CallFileType { Audio "audio", Document "document" }
}

object! {
    /// The recording of a call.
    CallRecording {
        /// What kind of file it is.
        kind as "type": always words(CallFileType);
        /// The sound.
        audio: always object(CallFile);
    }
}

object! {
    /// The transcript of a call.
    CallTranscript {
        /// What kind of file it is.
        kind as "type": always words(CallFileType);
        /// The text, as JSON.
        document: always object(CallFile);
    }
}

words! {
    /// What kind of status it is.
    CallStatusType { Call "call" }
}

words! {
    /// How far a call of the business has got.
    tag CallState { Ringing "RINGING", Accepted "ACCEPTED", Rejected "REJECTED" }
}

object! {
    /// How far a call of the business has got.
    CallStatus {
        /// The call's id.
        id: always CallId;
        /// `call`
        kind as "type": maybe words(CallStatusType);
        /// How far it has got.
        status: always words(CallState);
        /// When it happened.
        timestamp: always time_text;
        /// The user's phone number.
        recipient_id: maybe Phone;
        /// The user's business-scoped user id.
        recipient_user_id: maybe UserId;
        /// The user's id of linked portfolios.
        recipient_parent_user_id: maybe ParentUserId;
        /// What the business gave when it called.
        biz_opaque_callback_data: maybe Prose;
    }
}
