"""Sentences that are hard to cut, with the words that a reader of the language would name.

Without dictionaries, scripts written without spaces are cut into characters (grapheme
clusters), as UAX #29 says; those strings carry both readings.
"""

from __future__ import annotations

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"  # woman, woman, girl, joined
FRANCE = "\U0001f1eb\U0001f1f7"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
HEART = "\u2764\ufe0f\u200d\U0001f525"
THUMB = "\U0001f44d\U0001f3fd"

SPACED = {
    "english": (
        "Don't pay $3.14, she said — co-op's e-mail!",
        ["Don't", "pay", "$", "3.14", ",", "she", "said", "—", "co", "-", "op's", "e", "-", "mail"]
        + ["!"],
    ),
    "english_abbreviations": (
        "The U.S.A. won 1,000.50 at www.x.org",
        ["The", "U.S.A", ".", "won", "1,000.50", "at", "www.x.org"],
    ),
    "german": (
        "Die Straßenbahn fährt über Nürnberg.",
        ["Die", "Straßenbahn", "fährt", "über", "Nürnberg", "."],
    ),
    "french": (
        "L’été, c'est nai\u0308ve\u00a0: cafe\u0301 cre\u0300me !",
        ["L’été", ",", "c'est", "nai\u0308ve", ":", "cafe\u0301", "cre\u0300me", "!"],
    ),
    "greek": ("Καλημέρα, κόσμε; ναι.", ["Καλημέρα", ",", "κόσμε", ";", "ναι", "."]),
    "russian": ("«Привет», — сказал он.", ["«", "Привет", "»", ",", "—", "сказал", "он", "."]),
    "arabic": ("مَرْحَبًا بِالعالم، كيف؟", ["مَرْحَبًا", "بِالعالم", "،", "كيف", "؟"]),
    "persian": ("می‌خواهم بروم", ["می‌خواهم", "بروم"]),
    "hebrew": ('שָׁלוֹם עולם, צה"ל.', ["שָׁלוֹם", "עולם", ",", 'צה"ל', "."]),
    "hindi": ("नमस्ते दुनिया, क्या हाल है?", ["नमस्ते", "दुनिया", ",", "क्या", "हाल", "है", "?"]),
    "tamil": ("வணக்கம் உலகம்", ["வணக்கம்", "உலகம்"]),
    "korean": ("안녕하세요, 세계여!", ["안녕하세요", ",", "세계여", "!"]),
    "korean_decomposed": ("\u1112\u1161\u11ab 글", ["\u1112\u1161\u11ab", "글"]),
    "vietnamese": ("Tôi yêu tiê\u0301ng Việt", ["Tôi", "yêu", "tiê\u0301ng", "Việt"]),
    "emoji": (
        f"Hi {FAMILY}{FRANCE}{FRANCE} {ENGLAND}{HEART}{THUMB}x",
        ["Hi", FAMILY, FRANCE, FRANCE, ENGLAND, HEART, THUMB, "x"],
    ),
    "mixed_directions": ("He said שלום twice", ["He", "said", "שלום", "twice"]),
    "white_space": ("  a\t\tb\r\n\n c\u3000d  ", ["a", "b", "c", "d"]),
    "zero_width_space": ("ab\u200bcd", ["ab", "cd"]),
    "katakana": ("カタカナ テスト", ["カタカナ", "テスト"]),
}

# text -> (words by dictionary, pieces without)
UNSPACED = {
    "chinese": (
        "我爱北京天安门。",
        ["我", "爱", "北京", "天安门", "。"],
        ["我", "爱", "北", "京", "天", "安", "门", "。"],
    ),
    "chinese_rare": (
        "\U00020000和北京",  # a character outside the basic plane: two UTF-16 units
        ["\U00020000", "和", "北京"],
        ["\U00020000", "和", "北", "京"],
    ),
    "chinese_english": (
        "我用GPT-2写 3.5 行",
        ["我", "用", "GPT", "-", "2", "写", "3.5", "行"],
        ["我", "用", "GPT", "-", "2", "写", "3.5", "行"],
    ),
    "japanese": (
        "私は東京に行く。",
        ["私", "は", "東京", "に", "行く", "。"],
        ["私", "は", "東", "京", "に", "行", "く", "。"],
    ),
    "thai": (
        "สวัสดีชาวโลก",
        ["สวัสดี", "ชาว", "โลก"],
        ["ส", "วั", "ส", "ดี", "ช", "า", "ว", "โ", "ล", "ก"],
    ),
}
