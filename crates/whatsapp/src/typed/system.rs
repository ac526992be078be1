//! News about the person on the other side.

use crate::outline::declare::{object, words};

words! {
    /// What changed.
    tag SystemType {
        UserChangedNumber "user_changed_number", UserChangedUserId "user_changed_user_id",
        CustomerChangedNumber "customer_changed_number", CustomerIdentityChanged "customer_identity_changed",
    }
}

object! {
    /// A person changed the number, the user id or the key. The outer names are the old ones, these are the new ones.
    System {
        /// What changed.
        kind as "type": always words(SystemType);
        /// The same as an English sentence.
        body: always Prose;
        /// The new number.
        wa_id: maybe Phone;
        /// The new number, under its old name.
        new_wa_id: maybe Phone;
        /// The new user id.
        user_id: maybe UserId;
        /// The new parent user id.
        parent_user_id: maybe ParentUserId;
        /// The old user id.
        previous_user_id: maybe UserId;
        /// The hash of the new key (legacy).
        identity: maybe Hash;
        /// The old number (legacy).
        customer: maybe Phone;
    }
}

object! {
    /// The state of a person's key (legacy identity check).
    Identity {
        /// True when the business has acknowledged the change.
        acknowledged: maybe flag;
        /// When the key changed.
        created_timestamp: maybe time;
        /// The key's hash.
        hash: maybe Hash;
    }
}
