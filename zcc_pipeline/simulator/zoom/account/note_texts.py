"""What agents write into notes: short, long, empty, in many scripts."""

from __future__ import annotations

from random import Random

from zcc_pipeline.simulator.zoom.account.chance import between, pick
from zcc_pipeline.simulator.zoom.account.engagement import Engagement

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "double_charge": (
        "{name} was charged twice (${amount}). Refund of the second payment started, 3-5 working days.",
        "Duplicate payment on order {order}. Sent to billing for check.",
        "Customer upset 😠 about a double charge; apologised, credit of ${amount} offered.",
    ),
    "refund": (
        "Refund for order {order} approved, ${amount}.",
        "Return label sent for {order}.\n- item unopened\n- refund once it is back",
        "Refund refused: outside the 30 days. Customer informed.",
    ),
    "login": (
        "Password reset done together, customer could log in.",
        "Account was locked after 5 tries; unlocked. Recommended an authenticator app.",
        "Login loop in the browser; clearing cookies helped ✅",
    ),
    "device": (
        "Router restarted, firmware updated to 4.{digit}. Line stable for 10 minutes.",
        "Hardware fault; replacement ordered under {order}.",
        "Walked {name} through pairing. Will call back if it drops again.",
    ),
    "upgrade": (
        "Quote {order} sent: ${amount} a month, valid 14 days.",
        "Interested in the larger plan, decides after the holidays 🎄",
        "Upgraded. New price from the 1st.",
    ),
    "cancel": (
        "Wants to cancel: price. Offered ${amount} off, will think about it.",
        "Cancelled as of month's end. Reason: moving away.",
        "Retention offer accepted 🎉",
    ),
    "delivery": (
        "Parcel {order} stuck at the depot, new date promised.",
        "Address corrected; courier informed.",
        "Delivered to the neighbour, customer has found it 📦",
    ),
}
_OTHER_LANGUAGES: dict[str, tuple[str, ...]] = {
    "ja": ("お客様は注文{order}について問い合わせ。返金手続き済み。", "折り返し電話が必要です。☎️"),
    "es": ("El cliente pregunta por el pedido {order}. Se reembolsan ${amount}.", "Llamar mañana por la mañana."),
    "de": (
        "Kundin fragt nach Bestellung {order}; Gutschrift über {amount} $ veranlasst.",
        "Rückruf nötig, siehe Auftrag {order}.",
    ),
    "ar": ("العميل يسأل عن الطلب {order}. تمت إعادة المبلغ.", "يرجى معاودة الاتصال غدًا."),
    "zh": ("客户询问订单{order},已退款。", "需要回电 📞"),
    "ru": ("Клиент спрашивает о заказе {order}. Возврат оформлен.", "Перезвонить завтра."),
    "hi": ("ग्राहक ने ऑर्डर {order} के बारे में पूछा। धनवापसी शुरू।",),
    "ko": ("고객이 주문 {order}에 대해 문의함. 환불 완료.",),
}
_CORRECTIONS = (
    " [Corrected: amount checked with billing]",
    "\nUpdate: customer called again, all fine.",
    " — escalated to the team lead",
    " (fixed typo)",
)
LONG_SHARE, EMPTY_SHARE = 0.002, 0.005


def note_text(rng: Random, engagement: Engagement) -> str:
    """The text of a note; now and then tens of kilobytes of pasted log, now and then nothing."""
    customer = engagement.customer
    fate = rng.random()
    if fate < EMPTY_SHARE:
        return ""
    templates = _TEMPLATES[engagement.topic]
    if rng.random() < 0.5:
        templates = _OTHER_LANGUAGES.get(customer.language, templates)
    text = pick(rng, templates).format(
        name=customer.name,
        order=f"A-{between(rng, 10_000, 99_999)}",
        amount=f"{between(rng, 9, 240)}.{between(rng, 0, 99):02d}",
        digit=between(rng, 1, 9),
    )
    if fate < EMPTY_SHARE + LONG_SHARE:
        lines = between(rng, 250, 700)
        return (
            text
            + "\nPasted log:\n"
            + "\n".join(f'{n:04d} "retry" \\ état=«ok» 再試行 {n * 37 % 1000} 🔁' for n in range(lines))
        )
    return text


def edited_text(rng: Random, text: str) -> str:
    """The same note with a correction."""
    return text + pick(rng, _CORRECTIONS)
