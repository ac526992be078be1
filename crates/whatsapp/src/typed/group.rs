//! Groups.

use crate::outline::declare::{object, words};

use crate::typed::Error;

words! {
    /// What happened to a group.
    tag GroupEventType {
        Create "group_create", Delete "group_delete", ParticipantsAdd "group_participants_add",
        ParticipantsRemove "group_participants_remove", JoinRequestCreated "group_join_request_created",
        JoinRequestRevoked "group_join_request_revoked", SettingsUpdate "group_settings_update",
        Suspend "group_suspend", SuspendCleared "group_suspend_cleared",
    }
}

words! {
    /// Who may join a group.
    JoinApprovalMode { AutoApprove "auto_approve", ApprovalRequired "approval_required" }
}

words! {
    /// Who made people leave.
    GroupInitiator { Business "business", Participant "participant" }
}

words! {
    /// How people came in.
    GroupJoinReason { InviteLink "invite_link" }
}

object! {
    /// What happened to a group, or became of a request of the business about it.
    GroupEvent {
        /// When it happened.
        timestamp: always time;
        /// The group; absent where it could not be made.
        group_id: maybe GroupId;
        /// What happened.
        kind as "type": always words(GroupEventType);
        /// The business's request that it answers.
        request_id: maybe Token;
        /// What failed.
        errors: maybe list(Error);
        /// The group's subject.
        subject: maybe Prose;
        /// The group's description.
        description: maybe Prose;
        /// The link to join by.
        invite_link: maybe Url;
        /// Who may join.
        join_approval_mode: maybe words(JoinApprovalMode);
        /// How people came in.
        reason: maybe words(GroupJoinReason);
        /// Who came in.
        added_participants: maybe list(Participant);
        /// Who left.
        removed_participants: maybe list(Participant);
        /// Who could not be removed.
        failed_participants: maybe list(FailedParticipant);
        /// Who made them leave.
        initiated_by: maybe words(GroupInitiator);
        /// The request to join.
        join_request_id: maybe Token;
        /// The phone number of who asks to join.
        wa_id: maybe Phone;
        /// The user id of who asks to join.
        user_id: maybe UserId;
        /// The user id of linked portfolios of who asks to join.
        parent_user_id: maybe ParentUserId;
        /// The username of who asks to join.
        username: maybe Username;
        /// The new picture.
        profile_picture: maybe object(GroupPicture);
        /// The new subject.
        group_subject: maybe object(GroupText);
        /// The new description.
        group_description: maybe object(GroupText);
    }
    by "type" {
        "group_create" may ["request_id", "errors", "subject", "description", "invite_link", "join_approval_mode"];
        "group_delete" may ["request_id", "errors"];
        "group_participants_add" needs ["added_participants"] may ["request_id", "errors", "reason"];
        "group_participants_remove" needs ["removed_participants" | "failed_participants"]
            may ["request_id", "errors", "initiated_by"];
        "group_join_request_created" needs ["join_request_id"]
            may ["wa_id", "user_id", "parent_user_id", "username", "reason"];
        "group_join_request_revoked" needs ["join_request_id"]
            may ["wa_id", "user_id", "parent_user_id", "username", "reason"];
        "group_settings_update" may ["request_id", "errors", "profile_picture", "group_subject", "group_description"];
        "group_suspend";
        "group_suspend_cleared";
    }
}

object! {
    /// Someone in a group.
    Participant {
        /// The name that the business's request used; can carry a `+`.
        input: maybe Phone;
        /// The phone number.
        wa_id: maybe Phone;
        /// The business-scoped user id.
        user_id: maybe UserId;
        /// The user id of linked portfolios.
        parent_user_id: maybe ParentUserId;
        /// The username.
        username: maybe Username;
    }
    needs ["input" | "wa_id" | "user_id"]
}

object! {
    /// Someone whom a request could not be carried out for.
    FailedParticipant {
        /// The name that the business's request used.
        input: always Phone;
        /// Why.
        errors: maybe list(Error);
    }
}

object! {
    /// A new picture of a group.
    GroupPicture {
        /// Its type.
        mime_type: maybe Mime;
        /// Its checksum.
        sha256: maybe Hash;
        /// Whether it is in place.
        update_successful: always flag;
        /// Why not.
        errors: maybe list(Error);
    }
}

object! {
    /// A new subject or description of a group.
    GroupText {
        /// The text.
        text: maybe Prose;
        /// Whether it is in place.
        update_successful: always flag;
        /// Why not.
        errors: maybe list(Error);
    }
}
