"""Service Requests: which are served, and which body element belongs to which service reference.

The schema does not tie the body to the service reference in the header, so this table does (design section 5:
a body that is not that of the service reference is refused). The chapters are DUIS V5.4's own grouping.
"""

from __future__ import annotations

from duis_gateway.duis.service_requests.preferred_pilot_list import PREFERRED_PILOT_LIST
from duis_gateway.duis.service_requests.preferred_pilot_schedule import PREFERRED_PILOT_SCHEDULE
from duis_gateway.duis.service_requests.read_inventory import READ_INVENTORY
from duis_gateway.duis.service_requests.service import Service
from duis_gateway.namespaces import sr

SERVED: dict[str, Service] = {
    service.reference: service for service in (READ_INVENTORY, PREFERRED_PILOT_LIST, PREFERRED_PILOT_SCHEDULE)
}
"""The Service Requests served, by service reference."""

ELEMENT_CAPS: dict[tuple[str, str], int] = {
    (sr("Request"), sr(service.body)): service.elements for service in SERVED.values()
}
"""How many elements a document may have, by root and body element; all others have the default cap."""

SIGNED_PRE_COMMAND = "SignedPreCommand"
"""The one body that belongs to no service reference: it goes with those of every critical command."""

BODY_REFERENCES: dict[str, str] = {
    "UpdateFirmware": "11.1",
    "ReadFirmwareVersion": "11.2",
    "ActivateFirmware": "11.3",
    "UpdatePPMIDFirmware": "11.4",
    **{service.body: service.reference for service in SERVED.values()},
}
"""The service reference of a body element, where it is known exactly."""

_CHAPTERS = {
    "1": """UpdateImportTariffPrimaryElement UpdateImportTariffSecondaryElement UpdatePricePrimaryElement
        UpdatePriceSecondaryElement UpdateMeterBalance UpdatePaymentMode ResetTariffBlockCounterMatrix""",
    "2": "UpdatePrepayConfiguration TopUpDevice UpdateDebt ActivateEmergencyCredit",
    "3": "DisplayMessage RestrictAccessForChangeOfTenancy ClearEventLog UpdateSupplierName DisablePrivacyPIN",
    "4": """ReadInstantaneousImportRegisters ReadInstantaneousImportTOUMatrices
        ReadInstantaneousImportTOUWithBlocksMatrices ReadInstantaneousImportBlockCounters
        ReadInstantaneousExportRegisters ReadInstantaneousPrepayValues RetrieveCoMOrTariffTriggeredBillingDataLog
        RetrieveBillingCalendarTriggeredBillingDataLog RetrieveBillingDataLogDebtPayments
        RetrieveBillingDataLogPrepaymentCredits RetrieveImportDailyReadLog RetrieveExportDailyReadLog
        ReadActiveImportProfileData ReadReactiveImportProfileData ReadExportProfileData ReadNetworkData
        ReadTariffPrimaryElement ReadTariffSecondaryElement ReadMaximumDemandImportRegisters
        ReadMaximumDemandExportRegisters ReadPrepaymentConfiguration ReadPrepaymentDailyReadLog ReadLoadLimitData
        ReadActivePowerImport RetrieveDailyConsumptionLog ReadMeterBalance""",
    "5": "CreateSchedule ReadSchedule DeleteSchedule",
    "6": """ReadDeviceConfigurationVoltage ReadDeviceConfigurationRandomisation ReadDeviceConfigurationBillingCalendar
        ReadDeviceConfigurationIdentityExcMPxN ReadDeviceConfigurationInstantaneousPowerThresholds
        ReadDeviceConfigurationMPxN ReadDeviceConfigurationGas ReadDeviceConfigurationPaymentMode
        ReadDeviceConfigurationEventAndAlertBehaviours UpdateDeviceConfigurationLoadLimitingGeneralSettings
        UpdateDeviceConfigurationLoadLimitingCounterReset UpdateDeviceConfigurationVoltage
        UpdateDeviceConfigurationGasConversion UpdateDeviceConfigurationGasFlow
        UpdateDeviceConfigurationBillingCalendar SynchroniseClock UpdateDeviceConfigurationInstantaneousPowerThreshold
        ReadEventOrSecurityLog UpdateDeviceConfigurationALCDescriptions UpdateDeviceConfigurationALCScheduler
        UpdateDeviceConfigurationAuxiliaryControllerScheduler UpdateSecurityCredentialsKRP
        UpdateSecurityCredentialsDevice IssueSecurityCredentials SetMaximumDemandConfigurableTimePeriod
        ResetMaximumDemandRegisters SetDeviceConfigurationImportMPxN SetDeviceConfigurationExportMPAN
        RequestHandoverOfDCCControlledDevice ConfigureAlertBehaviour UpdateSecurityCredentialsCoS
        RetrieveDeviceSecurityCredentialsKRP RetrieveDeviceSecurityCredentialsDevice SetElectricitySupplyTamperState
        UpdateDeviceConfigurationDailyResettingOfTariffBlockCounterMatrix
        UpdateDeviceConfigurationRMSVoltageCounterReset SetCHFSubGHzConfiguration RequestCHFSubGHzChannelScan
        ReadCHFSubGHzConfiguration ReadCHFSubGHzChannel ReadCHFSubGHzChannelLog""",
    "7": """EnableSupply DisableSupply ArmSupply ReadSupplyStatus ActivateAuxiliaryLoad DeactivateAuxiliaryLoad
        ReadALCSData ResetAuxiliaryLoad AddAuxiliaryLoadToBoostButton RemoveAuxiliaryLoadFromBoostButton
        ReadBoostButtonDetails SetRandomisedOffsetLimit SetAuxiliaryControllerState
        ReadAuxiliaryControllerConfigurationData ReadAuxiliaryControllerOperationalData LimitAPCLevel""",
    "8": """CommissionDeviceSynchroniseClock ReadInventory DecommissionDevice UpdateInventory ServiceOptOut ServiceOptIn
        JoinServiceCritical JoinServiceNonCritical UnjoinServiceCritical UnjoinServiceNonCritical ReadDeviceLog
        UpdateHANDeviceLog RestoreHANDeviceLog RestoreGPFDeviceLog ReturnLocalCommandResponse CHFInstallSuccessSMWAN
        CHFInstallSuccessNoSMWAN CHFFaultReturn CHFNoFaultReturn""",
    "9": "RequestCustomerIdentificationNumber",
    "11": """UpdateFirmware ReadFirmwareVersion ActivateFirmware UpdatePPMIDFirmware PreferredPilotList
        PreferredPilotSchedule""",
    "12": "RequestWANMatrix DevicePrenotification",
    "14": "RecordNetworkDataGAS",
}

BODY_CHAPTERS: dict[str, str] = {body: chapter for chapter, bodies in _CHAPTERS.items() for body in bodies.split()}
"""The chapter (the number before the dot) of the service reference that a body element belongs to."""


def body_belongs(reference: str, body: str) -> bool:
    """Whether a body element may stand under this service reference."""
    if reference in SERVED:
        return body == SERVED[reference].body
    if body == SIGNED_PRE_COMMAND:
        return True
    if body in BODY_REFERENCES:
        return reference == BODY_REFERENCES[body]
    return reference.partition(".")[0] == BODY_CHAPTERS.get(body)


def variant_belongs(reference: str, variant: str) -> bool:
    """Whether a service reference variant is one of this service reference (4.1.1 of 4.1; 8.2 of 8.2)."""
    return variant == reference or variant.startswith(f"{reference}.")
