"""Wycheproof's file for AES-GCM as lines of hex: 01 or 00 for valid, key, nonce, additional data,
message, ciphertext with tag.  Only the sizes that the library uses.
SPDX-License-Identifier: ISC
"""
import json
import sys

for group in json.load(open(sys.argv[1]))["testGroups"]:
    if group["keySize"] in (128, 256) and (group["ivSize"], group["tagSize"]) == (96, 128):
        for test in group["tests"]:
            fields = [test["key"], test["iv"], test["aad"], test["msg"], test["ct"] + test["tag"]]
            print("01" if test["result"] == "valid" else "00", *(field or "-" for field in fields))
