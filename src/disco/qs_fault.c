#include "disco/qs_fault.h"

#define NAME(NAME, name) name,

u32 qs_fault_bits_;
void (*qs_fault_attack)(qs_fault_attack_t const *attack);

int
qs_fault_set(char const *names)
{
    static char const *const known[] = {QS_FAULTS(NAME)};

    while (*names) {
        size_t len = strcspn(names, ",");
        u32 i = 0;
        while (i < QS_COUNT(known) && (strlen(known[i]) != len || strncmp(known[i], names, len)))
            i++;
        if (i == QS_COUNT(known))
            return -EINVAL;
        qs_fault_bits_ |= 1u << i;
        names += len + (names[len] == ',');
    }
    return 0;
}
