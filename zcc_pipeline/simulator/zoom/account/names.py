"""Names for invented people, in several scripts. Any likeness is chance."""

from __future__ import annotations

#: language -> (given names, family names); the language is the one the customer writes in
CUSTOMER_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        (
            "Ada",
            "Noah",
            "Mia",
            "Liam",
            "Grace",
            "Owen",
            "Ruth",
            "Isaac",
            "Nora",
            "Felix",
            "Clara",
            "Hugo",
            "Iris",
            "Theo",
            "Zoë",
            "Siân",
        ),
        (
            "Adams",
            "Baker",
            "Carter",
            "Dawson",
            "Ellis",
            "Foster",
            "Grant",
            "Hayes",
            "Irving",
            "Jordan",
            "Keller",
            "Lowell",
            "O'Neil",
            "St. John",
        ),
    ),
    "es": (("Lucía", "Íñigo", "Marta", "Andrés", "Begoña"), ("Muñoz", "García", "Peña", "Ibáñez")),
    "de": (("Jürgen", "Käthe", "Björn", "Anneliese"), ("Müller", "Groß", "Schäfer", "von der Heide")),
    "ja": (("花子", "太郎", "美咲", "健"), ("佐藤", "鈴木", "高橋", "田中")),
    "ar": (("ليلى", "يوسف", "نور", "عمر"), ("الخطيب", "حداد", "منصور")),
    "zh": (("伟", "芳", "秀英", "强"), ("王", "李", "张", "陈")),
    "ru": (("Анна", "Иван", "Ольга", "Дмитрий"), ("Иванова", "Петров", "Соколова")),
    "hi": (("आरव", "प्रिया", "कबीर"), ("शर्मा", "पटेल", "सिंह")),
    "ko": (("민준", "서연", "지우"), ("김", "이", "박")),
}

#: how customers write, in the share they call
LANGUAGES: tuple[str, ...] = ("en",) * 15 + ("es", "es", "de", "ja", "ar", "zh", "ru", "hi", "ko")

#: languages in which the family name goes first and is not set apart by a space
FAMILY_FIRST = frozenset({"ja", "zh", "ko"})

AGENT_NAMES: tuple[str, ...] = (
    "Tom Archer", "Priya Nair", "Sofia Lindqvist", "Daniel Osei", "Yuki Mori", "Marek Nowak", "Elena Petrova",
    "José Álvarez", "Hannah Weiss", "Kofi Boateng", "Aisha Rahman", "Luc Fournier", "Mei Tan", "Oscar Dahl",
    "Rosa Conti", "Sam Whitlock", "Ines Duarte", "Viktor Horvath", "Leila Farouk", "Ben Calloway", "Tara Quinn",
    "Diego Rojas", "Ingrid Solberg", "Malik Jones", "Chloé Dubois",
)  # fmt: skip
