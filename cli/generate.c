/* SPDX-License-Identifier: Apache-2.0
 * generate.c - made-up leads as CSV. See generate.h. */
#include "cli/generate.h"

#include <string.h>
#include <time.h>

enum {
    SHARES = 10000,
    ORIGINAL_WITHIN = 5000, /* rows back that a duplicate is of */
    ORIGINAL_TRIES = 8,
    SPACING_S = 37,
};
#define FIRST_RECEIVED 1767254400 /* 2026-01-01 08:00:00 UTC */

#define PLANT_WORD(name, word, share) word,
const char *const generate_plant_words[GENERATE_PLANT_KINDS] = {GENERATE_PLANTS(PLANT_WORD)};
#define PLANT_SHARE(name, word, share) share,
static const uint32_t plant_shares[GENERATE_PLANT_KINDS] = {GENERATE_PLANTS(PLANT_SHARE)};

static const struct {
    const char *city, *county, *state, *zip, *area;
} places[] = {
#define PLACE(city_, county_, state_, zip_, area_) {city_, county_, state_, zip_, area_},
#include "cli/places.def"
#undef PLACE
};

/* Dearer vendors give better leads; quality_of[k]: of 100 leads, how many are A, B, C. The rest is D. */
static const struct {
    const char *name;
    uint32_t cost_cents, quality_of[3];
} vendors[] = {
    {"transfer", 6500, {50, 35, 12}}, {"compare", 4200, {30, 40, 22}}, {"search", 2800, {20, 35, 30}},
    {"social", 900, {5, 20, 40}},     {"listing", 350, {2, 10, 33}},   {"referral", 0, {60, 25, 10}},
};
static const struct {
    const char *name;
    uint32_t least, most;
} products[] = {
    /* thousands */
    {"purchase", 120, 750}, {"refinance", 90, 600}, {"home-equity", 20, 180}, {"reverse", 80, 400}, {"personal", 2, 40},
};
static const char *const seasons[] = {"spring", "summer", "autumn", "winter"};
static const char *const first_names[] = {
    "James",   "Mary",      "Robert",  "Patricia", "John",        "Jennifer", "Michael", "Linda",
    "David",   "Elizabeth", "William", "Barbara",  "Richard",     "Susan",    "Joseph",  "Jessica",
    "Thomas",  "Sarah",     "Carlos",  "Karen",    "Daniel",      "Lisa",     "Matthew", "Nancy",
    "Anthony", "Betty",     "Mark",    "Sandra",   "Jos\303\251", "Ashley",   "Steven",  "Emily",
    "Andrew",  "Donna",     "Paul",    "Michelle", "Joshua",      "Carol",    "Kenneth", "Ren\303\251e",
    "Kevin",   "Amanda",    "Brian",   "Melissa",  "Timothy",     "Deborah",  "Ronald",  "Stephanie",
    "Jason",   "Wei",       "Jeffrey", "Laura",    "Ryan",        "Priya",    "Jacob",   "Amy",
    "Gary",    "Kathleen",  "Omar",    "Angela",   "Eric",        "Fatima",   "Stephen", "Brenda",
};
static const char *const last_names[] = {
    "Smith",     "Johnson",      "Williams",  "Brown",   "Jones",    "Garcia",   "Miller",   "Davis",
    "Rodriguez", "Martinez",     "Hernandez", "Lopez",   "Gonzalez", "Wilson",   "Anderson", "Thomas",
    "Taylor",    "Moore",        "Jackson",   "Martin",  "Lee",      "Perez",    "Thompson", "White",
    "Harris",    "Sanchez",      "Clark",     "Ramirez", "Lewis",    "Robinson", "Walker",   "Young",
    "Allen",     "King",         "Wright",    "Scott",   "Torres",   "Nguyen",   "Hill",     "Flores",
    "Green",     "Adams",        "Nelson",    "Baker",   "Hall",     "Rivera",   "Campbell", "Mitchell",
    "Carter",    "Roberts",      "O'Brien",   "Patel",   "Kowalski", "Chen",     "Okafor",   "Schmidt",
    "Kim",       "Mu\303\261oz", "Haddad",    "Larsen",  "Rossi",    "Singh",    "Dubois",   "Ivanov",
};
static const char *const streets[] = {
    "Oak St",    "Maple Ave", "Cedar Ln",    "Elm St",   "Washington Ave", "Lake Dr",      "Hill Rd",
    "Park Ave",  "Main St",   "Pine St",     "River Rd", "Church St",      "Spring St",    "Ridge Rd",
    "Walnut St", "Meadow Ln", "Sunset Blvd", "Mill Rd",  "Jefferson St",   "Highland Ave",
};
static const char *const mail_hosts[] = {"example.com", "example.org", "example.net"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- chance -------------------------------------------------------------------- */

/* What a draw is for: draws for different things are independent of each other. */
enum draw { DRAW_KIND, DRAW_ORIGINAL, DRAW_DETAIL = DRAW_ORIGINAL + ORIGINAL_TRIES, DRAW_ROW };

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

struct chance {
    uint64_t state;
};

static struct chance chance_of(uint64_t seed, uint64_t row, unsigned draw)
{
    return (struct chance){mix(mix(mix(seed + 1) ^ row) + draw)};
}

/* splitmix64; the bias of the modulo is far below anything looked at here. */
static uint32_t below(struct chance *chance, size_t n)
{
    chance->state += UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t) (mix(chance->state) % n);
}

/* ---- rows ---------------------------------------------------------------------- */

struct lead {
    char key[48], received[24], campaign[32], amount[16], value[24], cost[16], first[24], last[24], phone[24],
        email[80], street[48], zip[16];
    const char *vendor, *product, *quality, *city, *county, *state;
};

static void make_place(struct chance *chance, struct lead *ret)
{
    uint32_t at = below(chance, COUNT(places));
    ret->city = places[at].city;
    ret->county = places[at].county;
    ret->state = places[at].state;
    snprintf(ret->zip, sizeof ret->zip, "%s", places[at].zip);
    if (below(chance, 5) == 0)
        snprintf(ret->zip, sizeof ret->zip, "%s-%04u", places[at].zip, 1 + below(chance, 9998));
    static const struct {
        const char *before, *behind, *between;
    } shapes[] = {{"", "", ""}, {"", "-", "-"}, {"(", ") ", "-"}, {"+1", "", ""}};
    uint32_t shape = below(chance, COUNT(shapes)), line = below(chance, 10000);
    snprintf(ret->phone, sizeof ret->phone, "%s%s%s555%s%04u", shapes[shape].before, places[at].area,
             shapes[shape].behind, shapes[shape].between, line);
}

static void make_person(struct chance *chance, uint64_t row, struct lead *ret)
{
    snprintf(ret->first, sizeof ret->first, "%s", first_names[below(chance, COUNT(first_names))]);
    snprintf(ret->last, sizeof ret->last, "%s", last_names[below(chance, COUNT(last_names))]);
    char plain[24];
    size_t n = 0;
    for (const char *at = ret->last; *at; at++)
        if ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z'))
            plain[n++] = (char) (*at | 0x20);
    plain[n] = '\0';
    snprintf(ret->email, sizeof ret->email, "%s.%llu@%s", plain, (unsigned long long) row,
             mail_hosts[below(chance, COUNT(mail_hosts))]);
    uint32_t number = 1 + below(chance, 9899);
    const char *street = streets[below(chance, COUNT(streets))];
    if (below(chance, 20) == 0) /* a cell that must be quoted */
        snprintf(ret->street, sizeof ret->street, "\"%u %s, Apt \"\"%u\"\"\"", number, street, 1 + below(chance, 40));
    else
        snprintf(ret->street, sizeof ret->street, "%u %s", number, street);
}

static void make_deal(struct chance *chance, struct lead *ret)
{
    uint32_t vendor = below(chance, COUNT(vendors)), product = below(chance, COUNT(products));
    uint32_t grade = 0, draw = below(chance, 100);
    while (grade < 3 && draw >= vendors[vendor].quality_of[grade])
        draw -= vendors[vendor].quality_of[grade++];
    static const char *const grades[] = {"A", "B", "C", "D"};
    uint32_t amount = products[product].least + below(chance, products[product].most - products[product].least);
    ret->vendor = vendors[vendor].name;
    ret->product = products[product].name;
    ret->quality = grades[grade];
    snprintf(ret->campaign, sizeof ret->campaign, "%s-%s", vendors[vendor].name,
             seasons[below(chance, COUNT(seasons))]);
    snprintf(ret->amount, sizeof ret->amount, "%u000", amount);
    snprintf(ret->value, sizeof ret->value, "%u.%02u", amount * 12, below(chance, 100)); /* about 1.2 % */
    snprintf(ret->cost, sizeof ret->cost, "%u.%02u", vendors[vendor].cost_cents / 100,
             vendors[vendor].cost_cents % 100);
}

static void make_lead(uint64_t seed, uint64_t row, struct lead *ret)
{
    struct chance chance = chance_of(seed, row, DRAW_ROW);
    time_t at = (time_t) (FIRST_RECEIVED + row * SPACING_S + below(&chance, SPACING_S));
    struct tm utc;
    gmtime_r(&at, &utc);
    strftime(ret->received, sizeof ret->received, "%Y-%m-%dT%H:%M:%SZ", &utc);
    snprintf(ret->key, sizeof ret->key, "g%llu-%07llu", (unsigned long long) seed, (unsigned long long) row);
    make_place(&chance, ret);
    make_person(&chance, row, ret);
    make_deal(&chance, ret);
}

static enum generate_plant drawn_plant(uint64_t seed, uint64_t row)
{
    struct chance chance = chance_of(seed, row, DRAW_KIND);
    uint32_t draw = below(&chance, SHARES);
    for (int plant = 1; plant < GENERATE_PLANT_KINDS; plant++) {
        if (draw < plant_shares[plant])
            return (enum generate_plant) plant;
        draw -= plant_shares[plant];
    }
    return PLANT_CLEAN;
}

/* A clean row before this one. Returns false when none was found. */
static bool find_original(uint64_t seed, uint64_t row, uint64_t *ret_original)
{
    for (unsigned try = 0; row > 0 && try < ORIGINAL_TRIES; try++) {
        struct chance chance = chance_of(seed, row, DRAW_ORIGINAL + try);
        uint64_t within = row < ORIGINAL_WITHIN ? row : ORIGINAL_WITHIN;
        *ret_original = row - 1 - below(&chance, within);
        if (drawn_plant(seed, *ret_original) == PLANT_CLEAN)
            return true;
    }
    return false;
}

static void change_last_digit(char *phone)
{
    char *last = phone + strlen(phone) - 1;
    *last = *last == '9' ? '0' : (char) (*last + 1);
}

static void damage(struct lead *lead, enum generate_plant plant, struct chance *chance)
{
    static const char *const phones[] = {"9.12345E+11", "555-0100", "call after 6 pm", "123-456-7890", "3125550100555"};
    static const char *const zips[] = {"2108", "ABCDE", "123456", "9021O", "02108-12"};
    switch (plant) {
    case PLANT_NO_CONTACT:
        lead->first[0] = lead->last[0] = lead->phone[0] = lead->email[0] = lead->street[0] = '\0';
        break;
    case PLANT_NOT_UTF8:
        snprintf(lead->first, sizeof lead->first, "%s", below(chance, 2) ? "Jos\xe9" : "\xc3(ary");
        break;
    case PLANT_CONTROL:
        snprintf(lead->last, sizeof lead->last, "%s", below(chance, 2) ? "Smi\x01th" : "Jo\x1b[31mnes");
        break;
    case PLANT_DAMAGED_PHONE:
        snprintf(lead->phone, sizeof lead->phone, "%s", phones[below(chance, COUNT(phones))]);
        break;
    case PLANT_DAMAGED_ZIP:
        snprintf(lead->zip, sizeof lead->zip, "%s", zips[below(chance, COUNT(zips))]);
        break;
    default:
        break;
    }
}

static void write_lead(FILE *file, const struct lead *lead, enum generate_plant plant)
{
    fprintf(file, "%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s", lead->key, lead->received, lead->vendor,
            lead->campaign, lead->product, lead->amount, lead->value, lead->cost, lead->quality, lead->first,
            lead->last, lead->phone, lead->email, lead->street, lead->city, lead->county, lead->state);
    if (plant != PLANT_COLUMN_LESS)
        fprintf(file, ",%s", lead->zip);
    fputs(plant == PLANT_COLUMN_MORE ? ",more\n" : "\n", file);
}

bool generate_leads(FILE *file, uint64_t leads, uint64_t seed, struct generated *ret_made)
{
    *ret_made = (struct generated){.rows = leads};
    fputs("lead_id,received,vendor,campaign,product,amount,value,cost,quality,first_name,last_name,phone,email,street,"
          "city,county,state,zip\n",
          file);
    for (uint64_t row = 0; row < leads; row++) {
        enum generate_plant plant = drawn_plant(seed, row);
        uint64_t made_of = row;
        if ((plant == PLANT_IDENTICAL || plant == PLANT_DIFFERENT) && !find_original(seed, row, &made_of)) {
            plant = PLANT_CLEAN;
            made_of = row;
        }
        struct lead lead;
        struct chance detail = chance_of(seed, row, DRAW_DETAIL);
        make_lead(seed, made_of, &lead);
        if (plant == PLANT_DIFFERENT)
            change_last_digit(lead.phone);
        damage(&lead, plant, &detail);
        write_lead(file, &lead, plant);
        ret_made->plants[plant]++;
    }
    return fflush(file) == 0 && !ferror(file);
}
