//! The past of a number that comes from the WhatsApp Business app, and its address book.

use crate::outline::declare::{object, words};

use crate::typed::{
    Button, ContactCard, Context, Edit, Error, Interactive, Location, Media, MessageType, Order, Reaction, Referral,
    Revoke, System, Text, Unsupported,
};

object! {
    /// Old messages, or the news that there will be none.
    History {
        /// Which part of the past it is.
        metadata: maybe object(HistoryMetadata);
        /// Conversations.
        threads: maybe list(HistoryThread);
        /// Why there is no past: the business declined.
        errors: maybe list(Error);
    }
    needs ["threads" | "errors", "metadata" | "errors"]
}

object! {
    /// Which part of the past a chunk is.
    HistoryMetadata {
        /// 0: day 0 to 1; 1: day 1 to 90; 2: day 90 to 180.
        phase: always integer_or_text;
        /// The order inside the phase. Chunks arrive in any order.
        chunk_order: always integer_or_text;
        /// Per cent of the whole; 100 is the end.
        progress: always integer_or_text;
    }
}

object! {
    /// An old conversation with one person.
    HistoryThread {
        /// The person's phone number.
        id: maybe Phone;
        /// The person's names when the past was asked for.
        context: maybe object(ThreadContext);
        /// The messages.
        messages: always list(HistoryMessage);
    }
}

object! {
    /// The names of a person when the past was asked for.
    ThreadContext {
        /// Normally the phone number.
        wa_id: maybe Phone;
        /// The business-scoped user id.
        user_id: maybe UserId;
        /// The user id of linked portfolios.
        parent_user_id: maybe ParentUserId;
        /// The username.
        username: maybe Username;
    }
}

words! {
    /// What became of an old message.
    HistoryStatus {
        Delivered "DELIVERED", Error "ERROR", Pending "PENDING", Played "PLAYED", Read "READ", Sent "SENT",
    }
}

object! {
    /// What became of an old message.
    HistoryContext {
        /// What became of it.
        status: always words(HistoryStatus);
        /// True for messages of the business.
        from_me: maybe flag;
    }
}

object! {
    /// An old message: of the user or of the business.
    HistoryMessage {
        /// Who wrote: the user or the business.
        from: maybe Phone;
        /// The sender's business-scoped user id.
        from_user_id: maybe UserId;
        /// The sender's user id of linked portfolios.
        from_parent_user_id: maybe ParentUserId;
        /// To whom the business wrote.
        to: maybe Phone;
        /// The receiver's business-scoped user id.
        to_user_id: maybe UserId;
        /// The receiver's user id of linked portfolios.
        to_parent_user_id: maybe ParentUserId;
        /// The message's id.
        id: always MessageId;
        /// When it was sent, by the device's clock.
        timestamp: always time_text;
        /// What it holds. The content of a `media_placeholder` follows, or never does.
        kind as "type": always words(MessageType);
        /// What became of it.
        history_context: always object(HistoryContext);
        /// What it answers.
        context: maybe object(Context);
        /// The ad or post that the conversation began with.
        referral: maybe object(Referral);
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
        /// A tap on a button.
        button: maybe object(Button);
        /// The answer to an interactive message.
        interactive: maybe object(Interactive);
        /// News about the person.
        system: maybe object(System);
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
        "interactive" needs ["interactive"];
        "system" needs ["system"];
        "edit" needs ["edit"];
        "revoke" needs ["revoke"];
        "unsupported" needs ["errors"] may ["unsupported"];
        "media_placeholder";
    }
}

words! {
    /// What is kept in step with the app.
    StateSyncType { Contact "contact" }
}

words! {
    /// What happened to a contact.
    tag StateSyncAction { Add "add", Remove "remove", Create "create" }
}

object! {
    /// A contact of the business's address book. State, not a log: the last one by time counts.
    StateSync {
        /// What is kept in step: `contact`.
        kind as "type": always words(StateSyncType);
        /// What happened; `add` stands for an edit as well.
        action: always words(StateSyncAction);
        /// The contact.
        contact: always object(StateSyncContact);
        /// When it happened.
        metadata: always object(StateSyncMetadata);
    }
}

object! {
    /// A contact of the address book.
    StateSyncContact {
        /// The name in the address book; not when it was removed.
        full_name: maybe Prose;
        /// The first name in the address book; not when it was removed.
        first_name: maybe Prose;
        /// The phone number, with or without `+`.
        phone_number: maybe Phone;
        /// The business-scoped user id.
        user_id: maybe UserId;
        /// The user id of linked portfolios.
        parent_user_id: maybe ParentUserId;
        /// The username.
        username: maybe Username;
    }
}

object! {
    /// When a contact changed.
    StateSyncMetadata {
        /// When it happened.
        timestamp: always time;
        /// Undocumented.
        version: maybe integer;
    }
}
