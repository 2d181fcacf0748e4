Feature: Comms Hub Firmware Activation, N64
  The full impact assessment's table 2: event, trigger, condition, alert and recipients.

  | event      | trigger                                             | condition                              | alert | recipients                |
  | activation | the hub's response to CS06, by the CSP's interface  | it indicates a new active version      | N64   | all Responsible Suppliers |

  Background:
    Given a release is in its pilot

  @FIA-1 @FIA-2 @PIA-6 @X01 @BR-5.6
  Scenario Outline: The response to CS06 indicates a new active firmware version
    Given the CSP has sent CS06 to <hubs>
    When the CSP reports <hubs> active on version 9002
    Then <supplier> gets <alert> for <hubs>
    And the <alert> to <supplier> says FirmwareVersion "9002"
    And the inventory has <hubs> on version 9002

    Examples: every Responsible Supplier, in the alert of its DUIS version
      | hubs                              | supplier                    | alert |
      | one hub of Supplier A             | Supplier A                  | N64   |
      | one split hub                     | Supplier A                  | N64   |
      | one split hub                     | Supplier B                  | N64   |
      | one hub of the supplier on 5.4    | the supplier on 5.4         | N64   |
      | one hub of the supplier on 5.0    | the supplier on 5.0         | N999  |
      | one hub of the suspended supplier | the suspended supplier      | N64   |

  @FIA-2
  Scenario: A hub that nobody instructed is told like any other
    When the CSP reports one hub of Supplier A active on version 9002
    Then Supplier A gets N64 for one hub of Supplier A

  @PIA-R3
  Scenario: An excluded hub is active before the pilot has begun
    Given a release whose pilot begins in 20 days and that excludes one hub of Supplier A
    When the CSP reports one hub of Supplier A active on version 9002
    Then Supplier A gets N64 for one hub of Supplier A

  @FIA-2
  Scenario: A response that indicates no new version raises no alert
    Given the CSP has reported one hub of Supplier A active on version 9002
    When the CSP reports one hub of Supplier A active on version 9002 again
    Then nobody gets an alert

  @FIA-3
  Scenario: A user with the published schema gets the published N999
    When the CSP reports one hub of the supplier with the published schema active on version 9002
    Then the supplier with the published schema gets N999 for one hub of the supplier with the published schema
    And the N999 to the supplier with the published schema has no FirmwareVersion

  @FIA-8
  Scenario: Back-office records follow the alert without polling the inventory
    When the CSP reports the hubs of Supplier A active on version 9002
    Then Supplier A gets N64 for the hubs of Supplier A
    And a Read Inventory of one hub of Supplier A by Supplier A shows version 9002
