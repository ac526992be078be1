//! What became of payments (India).

use crate::outline::declare::{object, words};

words! {
    /// What kind of status it is.
    PaymentStatusType { Payment "payment" }
}

words! {
    /// What became of a payment.
    tag PaymentState { Pending "pending", Captured "captured", Failed "failed" }
}

object! {
    /// What became of a payment. It has a life of its own, beside the message that asked for it.
    PaymentStatus {
        /// Id of the notification.
        id: always MessageId;
        /// `payment`
        kind as "type": always words(PaymentStatusType);
        /// What became of it.
        status: always words(PaymentState);
        /// When it happened.
        timestamp: always time_text;
        /// The user's phone number.
        recipient_id: maybe Phone;
        /// The user's business-scoped user id.
        recipient_user_id: maybe UserId;
        /// The user's id of linked portfolios.
        recipient_parent_user_id: maybe ParentUserId;
        /// What the business gave when it sent the message.
        biz_opaque_callback_data: maybe Prose;
        /// The payment.
        payment: always object(Payment);
    }
}

object! {
    /// A payment.
    Payment {
        /// The reference of the order message.
        reference_id: always Token;
        /// How much.
        amount: always object(Amount);
        /// In which currency.
        currency: always Currency;
        /// The attempt to pay.
        transaction: always object(Transaction);
        /// Razorpay: the receipt.
        receipt: maybe Prose;
        /// Razorpay: notes of the business, under names of its own.
        notes: maybe map(Prose);
        /// PayU: a field of the business.
        udf1: maybe Prose;
        /// PayU: a field of the business.
        udf2: maybe Prose;
        /// PayU: a field of the business.
        udf3: maybe Prose;
        /// PayU: a field of the business.
        udf4: maybe Prose;
        /// Billdesk: a field of the business.
        additional_info1: maybe Prose;
        /// Billdesk: a field of the business.
        additional_info2: maybe Prose;
        /// Billdesk: a field of the business.
        additional_info3: maybe Prose;
        /// Billdesk: a field of the business.
        additional_info4: maybe Prose;
        /// Billdesk: a field of the business.
        additional_info5: maybe Prose;
        /// Billdesk: a field of the business.
        additional_info6: maybe Prose;
        /// Billdesk: a field of the business.
        additional_info7: maybe Prose;
        /// Zaakpay: a field of the business.
        extra1: maybe Prose;
        /// Zaakpay: a field of the business.
        extra2: maybe Prose;
        /// What was paid back.
        refunds: maybe list(Refund);
    }
}

object! {
    /// An amount of money: `value` divided by `offset`.
    Amount {
        /// The amount in small units.
        value: always integer;
        /// How many small units make one.
        offset: always integer;
    }
}

words! {
    /// The payment gateway.
    TransactionType { Razorpay "razorpay", Payu "payu", Billdesk "billdesk", Zaakpay "zaakpay" }
}

words! {
    /// What became of an attempt to pay.
    TransactionStatus { Pending "pending", Success "success", Failed "failed" }
}

object! {
    /// An attempt to pay.
    Transaction {
        /// The gateway's order.
        id: always Token;
        /// The gateway's payment.
        pg_transaction_id: maybe Token;
        /// The gateway.
        kind as "type": always words(TransactionType);
        /// What became of it.
        status: always words(TransactionStatus);
        /// When it was made.
        created_timestamp: always time;
        /// When it changed.
        updated_timestamp: maybe time;
        /// How the user paid.
        method: maybe object(TransactionMethod);
        /// Why it failed.
        error: maybe object(TransactionError);
    }
}

words! {
    /// How the user paid.
    TransactionMethodType { Upi "upi", Card "card", Wallet "wallet", Netbanking "netbanking" }
}

object! {
    /// How the user paid.
    TransactionMethod {
        /// How the user paid.
        kind as "type": always words(TransactionMethodType);
    }
}

object! {
    /// Why an attempt to pay failed, in the gateway's words.
    TransactionError {
        /// The gateway's code.
        code: maybe Token;
        /// The gateway's reason.
        reason: maybe Prose;
    }
}

words! {
    /// How fast money is paid back.
    RefundSpeed { Instant "instant", Normal "normal" }
}

object! {
    /// Money that was paid back.
    Refund {
        /// The refund.
        id: always Token;
        /// How much.
        amount: always object(Amount);
        /// How fast.
        speed_processed: maybe words(RefundSpeed);
        /// What became of it.
        status: always words(TransactionStatus);
        /// When it was made.
        created_timestamp: maybe time;
        /// When it changed.
        updated_timestamp: maybe time;
    }
}
