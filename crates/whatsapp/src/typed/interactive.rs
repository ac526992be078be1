//! Answers to interactive messages.

use crate::outline::declare::{object, words};

words! {
    /// What was answered to.
    tag InteractiveType {
        ButtonReply "button_reply", ListReply "list_reply", NfmReply "nfm_reply",
        CallPermissionReply "call_permission_reply", PaymentMethod "payment_method", Product "product",
        ProductList "product_list",
    }
}

object! {
    /// The answer to an interactive message.
    Interactive {
        /// What was answered to.
        kind as "type": always words(InteractiveType);
        /// The button that was tapped.
        button_reply: maybe object(ButtonReply);
        /// The row that was chosen.
        list_reply: maybe object(ListReply);
        /// The form that was filled in: a Flow, an address, or another.
        nfm_reply: maybe object(NfmReply);
        /// Whether the business may call.
        call_permission_reply: maybe object(CallPermissionReply);
        /// The card to pay with (Brazil).
        payment_method: maybe object(PaymentMethod);
        /// Named by Meta's pages, never shown.
        product: maybe any("named by Meta's pages, never shown");
        /// Named by Meta's pages, never shown.
        product_list: maybe any("named by Meta's pages, never shown");
        /// What the address page prints beside `type`.
        action: maybe Token;
        /// What the address page prints inside.
        timestamp: maybe time;
    }
    by "type" {
        "button_reply" needs ["button_reply"];
        "list_reply" needs ["list_reply"];
        "nfm_reply" needs ["nfm_reply"];
        "call_permission_reply" needs ["call_permission_reply"];
        "payment_method" needs ["payment_method"];
        "product" may ["product"];
        "product_list" may ["product_list"];
    }
}

object! {
    /// A reply button.
    ButtonReply {
        /// The word that the business gave the button.
        id: always Token;
        /// The label.
        title: always Prose;
    }
}

object! {
    /// A row of a list.
    ListReply {
        /// The word that the business gave the row.
        id: always Token;
        /// The row's title.
        title: always Prose;
        /// The row's description.
        description: maybe Prose;
    }
}

object! {
    /// A form that was filled in.
    NfmReply {
        /// `flow`, `address_message`, or another.
        name: maybe Token;
        /// What the user sees.
        body: maybe Prose;
        /// The answers: JSON inside a string, of any shape, sometimes broken.
        response_json: always Json;
    }
}

words! {
    /// Whether the business may call.
    CallPermission { Accept "accept", Reject "reject" }
}

words! {
    /// Who answered a request to call.
    CallPermissionSource { UserAction "user_action", Automatic "automatic" }
}

object! {
    /// Whether the business may call.
    CallPermissionReply {
        /// The answer.
        response: always words(CallPermission);
        /// True for a permission that does not end.
        is_permanent: maybe flag;
        /// When the permission ends.
        expiration_timestamp: maybe time;
        /// `automatic`: the user called the business; the message's context is then that call.
        response_source: maybe words(CallPermissionSource);
    }
}

object! {
    /// A stored card (Brazil).
    PaymentMethod {
        /// `offsite_card_pay`
        payment_method: always Token;
        /// When it was chosen.
        payment_timestamp: maybe time;
        /// The order's reference.
        reference_id: maybe Token;
        /// The last digits of the card.
        last_four_digits: maybe Digits;
        /// The stored card.
        credential_id: maybe Digits;
    }
}
