// SPDX-License-Identifier: Apache-2.0

/// A config as EdgeVPN lays one out, with values of our own.
let edgeConfig = """
    otp:
      dht:
        interval: 360
        key: 5URYX45jqRO25g3uK5kbAAegiuE8LCAnmuO6RvvBfOH
        length: 43
      crypto:
        interval: 9000
        key: Z1FzfnKpcmgfmqSWstSqkNh5brTo21oKpdaZPNtriSP
        length: 43
    room: vMUC6j7OrJ1Bkkz7T3hSiXLBwoh6MdHmBll1fhY4saZ
    rendezvous: PZuRUz8DHWWUd1Qkh8DJvaeKVgfvqPf9QXtQcYbmoGG
    mdns: Sakb7QVH5i5t3iArgygnpm2ogtiJy4iPfCFalm0Otz8
    max_message_size: 20971520

    """

/// The same, through `base64` of GNU coreutils.
let edgeToken = """
    b3RwOgogIGRodDoKICAgIGludGVydmFsOiAzNjAKICAgIGtleTogNVVSWVg0NWpxUk8yNWczdUs1
    a2JBQWVnaXVFOExDQW5tdU82UnZ2QmZPSAogICAgbGVuZ3RoOiA0MwogIGNyeXB0bzoKICAgIGlu
    dGVydmFsOiA5MDAwCiAgICBrZXk6IFoxRnpmbktwY21nZm1xU1dzdFNxa05oNWJyVG8yMW9LcGRh
    WlBOdHJpU1AKICAgIGxlbmd0aDogNDMKcm9vbTogdk1VQzZqN09ySjFCa2t6N1QzaFNpWExCd29o
    Nk1kSG1CbGwxZmhZNHNhWgpyZW5kZXp2b3VzOiBQWnVSVXo4REhXV1VkMVFraDhESnZhZUtWZ2Z2
    cVBmOVFYdFFjWWJtb0dHCm1kbnM6IFNha2I3UVZINWk1dDNpQXJneWducG0yb2d0aUp5NGlQZkNG
    YWxtME90ejgKbWF4X21lc3NhZ2Vfc2l6ZTogMjA5NzE1MjAK
    """

/// The five secrets of it, in the order of the text.
let edgeSecrets = [
    "5URYX45jqRO25g3uK5kbAAegiuE8LCAnmuO6RvvBfOH",
    "Z1FzfnKpcmgfmqSWstSqkNh5brTo21oKpdaZPNtriSP",
    "vMUC6j7OrJ1Bkkz7T3hSiXLBwoh6MdHmBll1fhY4saZ",
    "PZuRUz8DHWWUd1Qkh8DJvaeKVgfvqPf9QXtQcYbmoGG",
    "Sakb7QVH5i5t3iArgygnpm2ogtiJy4iPfCFalm0Otz8",
]
