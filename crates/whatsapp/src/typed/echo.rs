//! What the business writes without this app.

use crate::outline::declare::{object, words};

use crate::typed::{
    Button, ContactCard, Context, Edit, Error, Location, Media, MessageType, Order, Reaction, Revoke, Text, Unsupported,
};

words! {
    /// Who made a message of the business.
    MessageCreationType { CreatedBy1pBot "created_by_1p_bot", User "user" }
}

object! {
    /// A message of the business that this app did not send.
    Echo {
        /// The business number.
        from: maybe Phone;
        /// The user's phone number; left out where the user hides it.
        to: maybe Phone;
        /// The user's business-scoped user id.
        to_user_id: maybe UserId;
        /// The user's id of linked portfolios.
        to_parent_user_id: maybe ParentUserId;
        /// The group, where it was written in one.
        group_id: maybe GroupId;
        /// The message's id.
        id: always MessageId;
        /// When it was sent.
        timestamp: always time_text;
        /// What it holds: the name of one of the members below.
        kind as "type": always words(MessageType);
        /// Who made it.
        message_creation_type: maybe words(MessageCreationType);
        /// What it answers.
        context: maybe object(Context);
        /// What went wrong with it.
        errors: maybe list(Error);
        /// A text.
        text: maybe object(Text);
        /// An image.
        image: maybe object(Media);
        /// A video.
        video: maybe object(Media);
        /// A sound or voice note.
        audio: maybe object(Media);
        /// A document.
        document: maybe object(Media);
        /// A sticker.
        sticker: maybe object(Media);
        /// A place.
        location: maybe object(Location);
        /// Contact cards.
        contacts: maybe list(ContactCard);
        /// A reaction to another message.
        reaction: maybe object(Reaction);
        /// An order.
        order: maybe object(Order);
        /// A button.
        button: maybe object(Button);
        /// An interactive message: no source shows what it holds.
        interactive: maybe any("no source shows an interactive message of the business");
        /// A template: no source shows what it holds.
        template: maybe any("no source shows a template in an echo");
        /// New content for an earlier message.
        edit: maybe object(Edit);
        /// An earlier message was deleted.
        revoke: maybe object(Revoke);
        /// What it is that does not reach the API.
        unsupported: maybe object(Unsupported);
    }
    by "type" shared ["errors"] {
        "text" needs ["text"];
        "image" needs ["image"];
        "video" needs ["video"];
        "audio" needs ["audio"];
        "document" needs ["document"];
        "sticker" needs ["sticker"];
        "location" needs ["location"];
        "contacts" needs ["contacts"];
        "reaction" needs ["reaction"];
        "order" needs ["order"];
        "button" needs ["button"];
        "interactive" may ["interactive"];
        "template" may ["template"];
        "edit" needs ["edit"];
        "revoke" needs ["revoke"];
        "unsupported" needs ["errors"] may ["unsupported"];
    }
}
