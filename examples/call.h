/*
 * The media of a call: a thread that encrypts and sends the own streams, and decrypts and records
 * those of everybody else.
 * SPDX-License-Identifier: ISC
 *
 * It shares one thing with the thread that does group work: the e2ee_media, whose keys that thread
 * installs, activates and retires while frames flow.
 */
#ifndef CALL_H
#define CALL_H

#include "track.h"

#include <e2ee/e2ee.h>
#include <stdatomic.h>

/** What a call has counted; complete after call_stop(). */
struct call_counts {
  unsigned long sent;     /**< frames */
  unsigned long recorded; /**< frames decrypted and handed to their recording */
  unsigned long refused;  /**< frames for which no key came in time */
  unsigned long forged;   /**< frames that are no frame of a member's */
};

struct call;

/**
 * Start the thread.
 * @param media   where the keys come from; must outlive the call
 * @param source  path of the own media without its ending: .opus and .ivf are added
 * @param folder  where what was heard is written to
 * @param udp     a UDP socket that is connected to the relay; the caller closes it
 * @param age_us  how long the call has lasted at this moment
 */
struct call *call_start(e2ee_media *media, const char *source, const char *folder, int udp,
                        uint64_t age_us);

/* The next two accept NULL: there is no call yet. */

/** A new epoch's keys are installed: frames that came too early can be opened now. */
void call_keys_changed(struct call *call);

/** Send nothing more; go on receiving. */
void call_mute(struct call *call);

/** End the thread, write and close all recordings. */
void call_stop(struct call *call, struct call_counts *counts);

#endif /* CALL_H */
