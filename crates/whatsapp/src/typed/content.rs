//! What a message can hold.

use crate::outline::declare::{object, words};
use crate::typed::Context;

object! {
    /// A text.
    Text {
        /// What was written. Any Unicode, line breaks and U+0000 included.
        body: always Prose;
    }
}

object! {
    /// An image, a video, a sound, a document or a sticker.
    Media {
        /// Id to fetch it by: valid for 7 days.
        id: always Digits;
        /// Its type, with or without parameters.
        mime_type: always Mime;
        /// Its checksum; base64 mostly, hex in history.
        sha256: always Hash;
        /// Where it can be fetched for five minutes, with the access token.
        url: maybe Url;
        /// The text below an image, a video or a document.
        caption: maybe Prose;
        /// The name of a document's file.
        filename: maybe Prose;
        /// True for a voice note.
        voice: maybe flag;
        /// True for a sticker that moves.
        animated: maybe flag;
        /// A path on a server of the business (on-premises style).
        file: maybe Token;
    }
}

object! {
    /// A place.
    Location {
        /// Degrees north; 0 is a value.
        latitude: always number;
        /// Degrees east; 0 is a value.
        longitude: always number;
        /// The place's name, where one was chosen.
        name: maybe Prose;
        /// The place's address.
        address: maybe Prose;
        /// The place's website.
        url: maybe Url;
    }
}

words! {
    /// Why a contact card was sent.
    CardOrigin { ContactRequest "contact_request", Other "other" }
}

object! {
    /// A contact card.
    ContactCard {
        /// The person's name.
        name: maybe object(CardName);
        /// Phone numbers.
        phones: maybe list(CardPhone);
        /// Addresses of mail.
        emails: maybe list(CardEmail);
        /// Postal addresses.
        addresses: maybe list(CardAddress);
        /// Where the person works.
        org: maybe object(CardOrganisation);
        /// Websites.
        urls: maybe list(CardUrl);
        /// `YYYY-MM-DD`
        birthday: maybe Date;
        /// The card as a vCard.
        vcard: maybe Prose;
        /// `contact_request`: the answer to a request for contact information.
        origin: maybe words(CardOrigin);
    }
}

object! {
    /// A person's name on a card.
    CardName {
        /// As it is shown.
        formatted_name: maybe Prose;
        /// First name.
        first_name: maybe Prose;
        /// Last name.
        last_name: maybe Prose;
        /// Middle name.
        middle_name: maybe Prose;
        /// What stands behind.
        suffix: maybe Prose;
        /// What stands in front.
        prefix: maybe Prose;
    }
}

object! {
    /// A phone number on a card.
    CardPhone {
        /// As it is shown.
        phone: maybe Prose;
        /// The number on WhatsApp, if it is there.
        wa_id: maybe Phone;
        /// Free text in the user's language.
        kind as "type": maybe Prose;
    }
}

object! {
    /// An address of mail on a card.
    CardEmail {
        /// The address.
        email: maybe Prose;
        /// Free text in the user's language.
        kind as "type": maybe Prose;
    }
}

object! {
    /// A postal address on a card.
    CardAddress {
        /// Street and number.
        street: maybe Prose;
        /// City.
        city: maybe Prose;
        /// State.
        state: maybe Prose;
        /// Postal code.
        zip: maybe Prose;
        /// Country, by name.
        country: maybe Prose;
        /// Country, by code.
        country_code: maybe Country;
        /// Free text in the user's language.
        kind as "type": maybe Prose;
    }
}

object! {
    /// A place of work on a card.
    CardOrganisation {
        /// The company.
        company: maybe Prose;
        /// The department.
        department: maybe Prose;
        /// The person's title.
        title: maybe Prose;
    }
}

object! {
    /// A website on a card.
    CardUrl {
        /// The website.
        url: maybe Url;
        /// Free text in the user's language.
        kind as "type": maybe Prose;
    }
}

object! {
    /// A reaction to a message. The last one by time counts.
    Reaction {
        /// The message that is reacted to.
        message_id: always MessageId;
        /// The emoji; absent or empty when the reaction was taken back.
        emoji: maybe Prose;
    }
}

object! {
    /// An order from a catalogue.
    Order {
        /// The catalogue.
        catalog_id: always Digits;
        /// What the user wrote with it; can be empty.
        text: maybe Prose;
        /// What was ordered.
        product_items: always list(OrderItem);
    }
}

object! {
    /// One line of an order.
    OrderItem {
        /// The product.
        product_retailer_id: always Token;
        /// How many.
        quantity: always integer_or_text;
        /// The price of one; can have decimals.
        item_price: always number;
        /// The currency.
        currency: always Currency;
    }
}

object! {
    /// A tap on a quick-reply button of a template.
    Button {
        /// The word that the business gave the button.
        payload: always Prose;
        /// The label.
        text: always Prose;
    }
}

object! {
    /// New content for a message that was sent before.
    Edit {
        /// The message that changes.
        original_message_id: always MessageId;
        /// Its complete new content.
        message: always object(EditedMessage);
    }
}

object! {
    /// The complete new content of a message.
    EditedMessage {
        /// What the message is now.
        kind as "type": always words(EditedType);
        /// What it answers; `M0` is seen as its id.
        context: maybe object(Context);
        /// The new text.
        text: maybe object(Text);
        /// The new image, or the old one with a new caption.
        image: maybe object(Media);
        /// The new video, or the old one with a new caption.
        video: maybe object(Media);
        /// The new sound.
        audio: maybe object(Media);
        /// The new document, or the old one with a new caption.
        document: maybe object(Media);
        /// The new place.
        location: maybe object(Location);
    }
    by "type" {
        "text" needs ["text"];
        "image" needs ["image"];
        "video" needs ["video"];
        "audio" needs ["audio"];
        "document" needs ["document"];
        "location" needs ["location"];
    }
}

words! {
    /// What an edited message is.
    EditedType { Text "text", Image "image", Video "video", Audio "audio", Document "document", Location "location" }
}

object! {
    /// A message was deleted for everyone.
    Revoke {
        /// The message to delete.
        original_message_id: always MessageId;
    }
}

words! {
    /// What WhatsApp does not pass on to businesses.
    UnsupportedType {
        Button "button", Edit "edit", Errors "errors", Gif "gif", GroupInvite "group_invite", Hsm "hsm", Image "image",
        Interactive "interactive", KeepInChat "keep_in_chat", LinkPreview "link_preview", List "list",
        Location "location", MediaPlaceholder "media_placeholder", Order "order", Pin "pin", Poll "poll",
        PollCreation "poll_creation", PollUpdate "poll_update", Product "product", Reaction "reaction",
    }
}

object! {
    /// What was sent, where only the fact reaches a business.
    Unsupported {
        /// What it is.
        kind as "type": always words(UnsupportedType);
    }
}
