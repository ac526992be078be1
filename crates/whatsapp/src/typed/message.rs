//! What people write.

use crate::outline::declare::{object, words};

use crate::typed::{
    Button, ContactCard, Context, Edit, Error, Identity, Interactive, Location, Media, Order, Reaction, Referral,
    Revoke, System, Text, Unsupported,
};

words! {
    /// What a message holds.
    tag MessageType {
        Text "text", Image "image", Video "video", Audio "audio", Document "document", Sticker "sticker",
        Location "location", Contacts "contacts", Reaction "reaction", Order "order", Button "button",
        Interactive "interactive", System "system", Edit "edit", Revoke "revoke", Unsupported "unsupported",
        RequestWelcome "request_welcome", Unrecognized "unknown", Voice "voice", Ephemeral "ephemeral",
        Template "template", MediaPlaceholder "media_placeholder",
    }
}

object! {
    /// A message of a user.
    Message {
        /// The sender's phone number; left out where the user hides it.
        from: maybe Phone;
        /// The sender's business-scoped user id.
        from_user_id: maybe UserId;
        /// The sender's user id of linked portfolios.
        from_parent_user_id: maybe ParentUserId;
        /// The group, where it was written in one.
        group_id: maybe GroupId;
        /// The message's id.
        id: always MessageId;
        /// When it was sent.
        timestamp: always time_text;
        /// What it holds: the name of one of the members below.
        kind as "type": always words(MessageType);
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
        /// An order from the catalogue.
        order: maybe object(Order);
        /// A tap on a button of a template.
        button: maybe object(Button);
        /// The answer to an interactive message.
        interactive: maybe object(Interactive);
        /// News about the sender.
        system: maybe object(System);
        /// New content for an earlier message.
        edit: maybe object(Edit);
        /// An earlier message was deleted.
        revoke: maybe object(Revoke);
        /// What it is that does not reach a business.
        unsupported: maybe object(Unsupported);
        /// A voice note (on-premises style).
        voice: maybe object(Media);
        /// A message that vanishes: named, never shown.
        ephemeral: maybe any("named by older material, never shown");
        /// The state of the sender's key (legacy identity check).
        identity: maybe object(Identity);
        /// Why a contact card was sent, in an early state of 2026.
        origin: maybe Token;
        /// Undocumented; in two of Meta's examples.
        from_logical_id: maybe Digits;
    }
    by "type" shared ["errors"] {
        "text" needs ["text"];
        "image" needs ["image"];
        "video" needs ["video"];
        "audio" needs ["audio"];
        "document" needs ["document"];
        "sticker" needs ["sticker"];
        "location" needs ["location"];
        "contacts" needs ["contacts"] may ["origin"];
        "reaction" needs ["reaction"];
        "order" needs ["order"];
        "button" needs ["button"];
        "interactive" needs ["interactive"];
        "system" needs ["system"] may ["identity"];
        "edit" needs ["edit"];
        "revoke" needs ["revoke"];
        "unsupported" needs ["errors"] may ["unsupported"];
        "unknown" needs ["errors"];
        "voice" needs ["voice"];
        "ephemeral" may ["ephemeral"];
        "request_welcome";
    }
}

/// What a message holds, by its `type`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Content<'m, 'a> {
    /// A text.
    Text(&'m Text<'a>),
    /// An image.
    Image(&'m Media<'a>),
    /// A video.
    Video(&'m Media<'a>),
    /// A sound or voice note.
    Audio(&'m Media<'a>),
    /// A document.
    Document(&'m Media<'a>),
    /// A sticker.
    Sticker(&'m Media<'a>),
    /// A place.
    Location(&'m Location<'a>),
    /// Contact cards.
    Contacts(&'m [ContactCard<'a>]),
    /// A reaction to another message.
    Reaction(&'m Reaction<'a>),
    /// An order from the catalogue.
    Order(&'m Order<'a>),
    /// A tap on a button of a template.
    Button(&'m Button<'a>),
    /// The answer to an interactive message.
    Interactive(&'m Interactive<'a>),
    /// News about the sender.
    System(&'m System<'a>),
    /// New content for an earlier message.
    Edit(&'m Edit<'a>),
    /// An earlier message was deleted.
    Revoke(&'m Revoke<'a>),
    /// Only the fact reaches a business, with the reason.
    Unsupported(&'m [Error<'a>]),
    /// A message without content, of an unknown type, or without the member that its type names.
    Other,
}

impl<'a> Message<'a> {
    /// What the message holds, by its `type`.
    #[must_use]
    pub fn content(&self) -> Content<'_, 'a> {
        let found = match &self.kind {
            Some(MessageType::Text) => self.text.as_deref().map(Content::Text),
            Some(MessageType::Image) => self.image.as_deref().map(Content::Image),
            Some(MessageType::Video) => self.video.as_deref().map(Content::Video),
            Some(MessageType::Audio) => self.audio.as_deref().map(Content::Audio),
            Some(MessageType::Voice) => self.voice.as_deref().map(Content::Audio),
            Some(MessageType::Document) => self.document.as_deref().map(Content::Document),
            Some(MessageType::Sticker) => self.sticker.as_deref().map(Content::Sticker),
            Some(MessageType::Location) => self.location.as_deref().map(Content::Location),
            Some(MessageType::Contacts) => Some(Content::Contacts(&self.contacts)),
            Some(MessageType::Reaction) => self.reaction.as_deref().map(Content::Reaction),
            Some(MessageType::Order) => self.order.as_deref().map(Content::Order),
            Some(MessageType::Button) => self.button.as_deref().map(Content::Button),
            Some(MessageType::Interactive) => self.interactive.as_deref().map(Content::Interactive),
            Some(MessageType::System) => self.system.as_deref().map(Content::System),
            Some(MessageType::Edit) => self.edit.as_deref().map(Content::Edit),
            Some(MessageType::Revoke) => self.revoke.as_deref().map(Content::Revoke),
            Some(MessageType::Unsupported | MessageType::Unrecognized) => Some(Content::Unsupported(&self.errors)),
            Some(
                MessageType::RequestWelcome
                | MessageType::Ephemeral
                | MessageType::Template
                | MessageType::MediaPlaceholder
                | MessageType::Unknown(_),
            )
            | None => None,
        };
        found.unwrap_or(Content::Other)
    }

    /// What the user wrote or tapped, as text: the body of a text, the caption of a media object, the label of a button
    /// or row.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let content = self.content();
        if let Content::Text(text) = content {
            return text.body.as_deref();
        }
        if let Content::Button(button) = content {
            return button.text.as_deref();
        }
        if let Content::Interactive(answer) = content {
            let button = answer.button_reply.as_ref().and_then(|button| button.title.as_deref());
            return button.or_else(|| answer.list_reply.as_ref()?.title.as_deref());
        }
        self.media()?.caption.as_deref()
    }

    /// The media object of a message that holds one.
    #[must_use]
    pub fn media(&self) -> Option<&Media<'a>> {
        if let Content::Image(media)
        | Content::Video(media)
        | Content::Audio(media)
        | Content::Document(media)
        | Content::Sticker(media) = self.content()
        {
            return Some(media);
        }
        None
    }
}
