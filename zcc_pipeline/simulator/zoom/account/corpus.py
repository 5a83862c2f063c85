"""What people say: dialogues by topic, a generic one in other languages. ``a:`` is the agent, ``c:`` the customer."""

from __future__ import annotations

DIALOGUES: dict[str, tuple[str, ...]] = {
    "double_charge": (
        "a: Thank you for contacting billing, this is {agent}. How can I help?",
        "c: Hi, my card was charged twice this month, ${amount} both times.",
        "a: I am sorry about that. May I have the order number?",
        "c: Sure, it is {order}.",
        "a: Thanks. I can see two payments on the {day}.",
        "c: Right, and I only ordered once!",
        "a: The second one is a duplicate. I have started the refund of ${amount}.",
        "c: How long will that take?",
        "a: Three to five working days.",
        "c: Okay, thank you 🙏",
    ),
    "refund": (
        "a: Hello, {agent} speaking. What can I do for you?",
        "c: I want to send back order {order}. It arrived damaged.",
        "a: Oh no. Is the box still there?",
        "c: Yes, the corner is crushed. I can send photos.",
        "a: No need, I believe you. I am sending a return label now.",
        "c: And when do I get the ${amount} back?",
        "a: As soon as the parcel is scanned, usually within a week.",
        "c: Fine. Thanks for being quick about it.",
    ),
    "login": (
        "a: Support, {agent} here.",
        "c: I can't log in since the {day}. It says my account is locked.",
        "a: Let me look. There were five failed tries, so it locked itself.",
        "c: That was probably my phone with the old password.",
        "a: Very likely. I have unlocked it; please set a new one with the link I sent.",
        "c: Got it… one second… done.",
        "a: Can you see your orders now?",
        "c: Yes! {order} is there. Perfect ✅",
        "a: Glad to hear it. Anything else?",
        "c: No, that was it.",
    ),
    "device": (
        "a: Technical support, my name is {agent}. What is going on?",
        "c: The box keeps dropping the connection every few minutes.",
        "a: Which light is on at the front?",
        "c: The orange one, it blinks.",
        "a: Please hold the button on the back for ten seconds.",
        "c: Okay… it restarts.",
        "a: I am pushing the new firmware now. Give it two minutes.",
        "c: It's green now.",
        "a: Great. If it drops again, we replace it under {order}.",
        "c: Thanks, {agent}.",
    ),
    "upgrade": (
        "a: Hi, {agent} from sales. You asked about the larger plan?",
        "c: Yes, what would that cost me?",
        "a: ${amount} a month, and the first month is free.",
        "c: Is there a minimum term?",
        "a: Twelve months, then monthly.",
        "c: Can you send me that in writing?",
        "a: The quote {order} is on its way. It holds until the {day}.",
        "c: Good, I'll think about it.",
    ),
    "cancel": (
        "a: Good day, {agent} speaking.",
        "c: I would like to cancel my contract.",
        "a: I am sorry to hear that. May I ask why?",
        "c: It got too expensive, ${amount} is a lot.",
        "a: I could offer you two months at half the price.",
        "c: Hmm. No, please just cancel.",
        "a: Understood. It ends on the {day}; the confirmation is {order}.",
        "c: Thank you for not making it hard.",
    ),
    "delivery": (
        "a: Hello! {agent} here, how can I help?",
        "c: hi, where is my parcel?? order {order}",
        "a: Let me check… it left the depot on the {day}.",
        "c: tracking hasn't moved since then 😕",
        "a: The courier had the wrong street number. Is it still 12?",
        "c: no! 21",
        "a: Corrected. You get it tomorrow, and ${amount} of delivery costs back.",
        "c: 👍 thx",
    ),
}

OTHER_LANGUAGES: dict[str, tuple[str, ...]] = {
    "ja": (
        "a: お電話ありがとうございます。{agent}です。",
        "c: 注文{order}について聞きたいのですが。",
        "a: 確認いたします。少々お待ちください。",
        "c: はい。",
        "a: {amount}ドルを返金いたしました。",
        "c: ありがとうございます😊",
    ),
    "es": (
        "a: Buenos días, le atiende {agent}.",
        "c: ¿Dónde está mi pedido {order}?",
        "a: Un momento… salió el {day}.",
        "c: ¡Pero todavía no ha llegado!",
        "a: Le devuelvo {amount} $ por las molestias.",
        "c: Muchas gracias.",
    ),
    "de": (
        "a: Guten Tag, {agent} am Apparat.",
        "c: Grüß Gott, es geht um die Rechnung {order}.",
        "a: Einen Augenblick bitte.",
        "c: Natürlich.",
        "a: Sie bekommen {amount} $ zurück, spätestens am {day}.",
        "c: Schön, dankeschön!",
    ),
    "ar": (
        "a: مرحبًا، معك {agent}.",
        "c: أين طلبي رقم {order}؟",
        "a: لحظة من فضلك… خرج يوم {day}.",
        "c: لم يصل بعد.",
        "a: سأعيد لك {amount} دولارًا.",
        "c: شكرًا جزيلاً 🌹",
    ),
    "zh": (
        "a: 您好，我是{agent}。",
        "c: 我想问一下订单{order}。",
        "a: 请稍等。",
        "c: 好的。",
        "a: 已经给您退款{amount}美元。",
        "c: 谢谢！",
    ),
    "ru": (
        "a: Здравствуйте, меня зовут {agent}.",
        "c: Я по поводу заказа {order}.",
        "a: Минутку, проверяю.",
        "c: Хорошо.",
        "a: Вернём {amount} $ до {day}.",
        "c: Спасибо большое!",
    ),
    "hi": (
        "a: नमस्ते, मैं {agent} बोल रही हूँ।",
        "c: मेरा ऑर्डर {order} कहाँ है?",
        "a: एक मिनट, देखती हूँ।",
        "c: जी।",
        "a: {amount} डॉलर वापस कर दिए हैं।",
        "c: धन्यवाद 🙏",
    ),
    "ko": (
        "a: 안녕하세요, {agent}입니다.",
        "c: 주문 {order} 때문에 연락드려요.",
        "a: 잠시만요.",
        "c: 네.",
        "a: {amount}달러 환불해 드렸습니다.",
        "c: 감사합니다!",
    ),
}

HANDOVER = "a: One moment please, I am bringing in a colleague who can help with this."
TAKEOVER = "a: Hello, this is {agent}, my colleague has told me what it is about."
BOT_CHAT = (
    "a: Hi, I am the assistant. What is it about?",
    "c: opening hours",
    "a: We are there from 8 to 20 o'clock, every day. Does that help?",
    "c: yes",
)
UNANSWERED_CHAT = ("a: All our agents are busy, you are next in line.", "c: hello?", "c: anybody there")

EMAIL_SUBJECTS: dict[str, str] = {
    "refund": "Return of order {order}",
    "delivery": "Where is {order}?",
    "cancel": "Cancellation",
    "device": "Connection drops again and again",
    "login": "Locked out of my account",
}

VOICEMAILS = (
    "Hello, this is {customer}. I called about order {order}. Please call me back under {phone}. Thank you.",
    "Hi, it's {customer}. Nobody picked up. It's about the bill of the {day}, {amount} dollars. Bye.",
    "Um, hello? I will try again tomorrow.",
    "こんにちは、{customer}です。注文{order}の件で折り返しお願いします。",
)
